/// The BF16 scale of least squared error of a group of integers without zero points, from its
/// different magnitudes.
///
/// Every level includes this and does the same operations in the same order. Sixteen scales are tried
/// at once, one in each lane. Magnitudes are between 2^-60 and 2^44: no square overflows, and what
/// underflows is too small to count.
#ifndef QUERN_SCALE_SEARCH_H
#define QUERN_SCALE_SEARCH_H

#include <math.h>
#include <stdbool.h>

#include "../numbers.h"

typedef float scale_lanes __attribute__((vector_size(64)));
typedef int32_t scale_bits __attribute__((vector_size(64)));

/// Scales that are tried at once; ordinals of BF16 in an octave, and how far from absmax's scale the
/// search goes: up to twice that (a scale twice as large is never better, as every multiple of it is
/// one of the smaller), and down to a sixteenth. Magnitudes below half of the smallest scale have code
/// 0 under all: there are less than 12 octaves of others.
enum {
  TRIED = 16,
  OCTAVE = 128,
  OCTAVES_UP = 1,
  OCTAVES_DOWN = 4,
  MOST_SIZES = 12 * OCTAVE + TRIED,
};

/// The magnitudes of a group, ascending, and the weight of the elements that have them: of all, and of
/// the negative ones alone, which matter only where the largest codes of both signs differ.
typedef struct group_sizes {
  int count;
  float sizes[MOST_SIZES], weights[MOST_SIZES], negative[MOST_SIZES];
  float below[MOST_SIZES + 1];  ///< Σ weight · size² of those before
} group_sizes;

typedef struct scale_search {
  const group_sizes *group;
  float most, least;  ///< largest codes of positive and of negative elements, both above 0
  uint32_t ordinal;   ///< the best so far
  float error;
} scale_search;

static inline float bf16_number(uint32_t ordinal) { return float_of(ordinal << 16); }

/// Fills in `below`.
static inline void sum_sizes(group_sizes *group) {
  float sum = 0;
  for (int i = 0; i < group->count; i++) {
    group->below[i] = sum;
    sum += group->weights[i] * group->sizes[i] * group->sizes[i];
  }
  group->below[group->count] = sum;
}

/// The number of sizes that are at most `size`.
static inline int sizes_up_to(const group_sizes *group, float size) {
  int low = 0, high = group->count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (group->sizes[middle] <= size) low = middle + 1;
    else high = middle;
  }
  return low;
}

/// What cutting to the largest code costs: as much or more under smaller scales.
static inline float cut_error(const scale_search *search, float scale) {
  const group_sizes *group = search->group;
  float sum = 0, most = search->most * scale, least = search->least * scale;
  for (int i = group->count - 1; i >= 0 && group->sizes[i] > most; i--) {
    float rest = group->sizes[i] - most, negative = group->sizes[i] - least;
    sum += (group->weights[i] - group->negative[i]) * rest * rest;
    if (negative > 0) sum += group->negative[i] * negative * negative;
  }
  return sum;
}

static inline scale_lanes smaller_lanes(scale_lanes a, scale_lanes b) {
  // Of numbers ≥ 0, which order as their bits do.
  return (scale_lanes)__builtin_elementwise_min((scale_bits)a, (scale_bits)b);
}

/// To the nearest integer, to even; what is too large for that stays above all codes.
static inline scale_lanes nearest_lanes(scale_lanes values) {
#ifdef LANES
  return __builtin_elementwise_roundeven(values);
#else
  return values + 0x1.8p23f - 0x1.8p23f;
#endif
}

/// Errors under sixteen scales, of which `least_scale` is the smallest.
static inline scale_lanes errors_under(const scale_search *search, scale_lanes scales,
                                       float least_scale) {
  const group_sizes *group = search->group;
  const scale_lanes zero = {0};
  scale_lanes inverses = 1 / scales, most = zero + search->most, least = zero + search->least;
  int i = sizes_up_to(group, least_scale * 0.5f);
  int uncut = search->most == search->least ? group->count
                                            : sizes_up_to(group, least_scale * search->most);
  scale_lanes sum = zero + group->below[i];
  for (; i < uncut; i++) {
    scale_lanes code = smaller_lanes(nearest_lanes(group->sizes[i] * inverses), most);
    scale_lanes rest = group->sizes[i] - code * scales;
    sum += group->weights[i] * rest * rest;
  }
  for (; i < group->count; i++) {
    scale_lanes code = nearest_lanes(group->sizes[i] * inverses);
    scale_lanes rest = group->sizes[i] - smaller_lanes(code, most) * scales;
    scale_lanes negative = group->sizes[i] - smaller_lanes(code, least) * scales;
    sum += (group->weights[i] - group->negative[i]) * rest * rest;
    sum += group->negative[i] * negative * negative;
  }
  return sum;
}

static inline void take_better(scale_search *search, const uint32_t ordinals[TRIED],
                               scale_lanes errors) {
  if (!(float_of((uint32_t)__builtin_reduce_min((scale_bits)errors)) < search->error)) return;
  for (int k = 0; k < TRIED; k++) {
    if (!(errors[k] < search->error)) continue;
    search->error = errors[k];
    search->ordinal = ordinals[k];
  }
}

static inline void try_ordinals(scale_search *search, const uint32_t ordinals[TRIED],
                                uint32_t smallest) {
  scale_bits bits;
  memcpy(&bits, ordinals, sizeof bits);
  scale_lanes scales = (scale_lanes)(bits << 16);
  take_better(search, ordinals, errors_under(search, scales, bf16_number(smallest)));
}

/// Scales to begin with, for good bounds: 128 · log2 of their fractions of absmax's.
static const int16_t first_steps[TRIED] = {0,    2,    -4,   -10,  -17,  -24,  -33,  -43,
                                           -54,  -66,  -80,  -96,  -122, -160, -256, -384};

/// The best of all scales from `lowest` to `highest`, none but those that cannot be being passed over.
/// Of equal ones the largest, or one of those to begin with.
static inline void search_scales(scale_search *search, uint32_t absmax, uint32_t lowest,
                                 uint32_t highest) {
  uint32_t ordinals[TRIED];
  for (int k = 0; k < TRIED; k++) ordinals[k] = (uint32_t)((int)absmax + first_steps[k]);
  try_ordinals(search, ordinals, ordinals[TRIED - 1]);
  for (uint32_t top = highest; top >= lowest; top -= TRIED) {
    float cut = cut_error(search, bf16_number(top));
    if (cut > search->error) return;
    uint32_t last = top - lowest < TRIED - 1 ? lowest : top - (TRIED - 1);
    // Codes of sizes up to half a scale are 0.
    int zeros = sizes_up_to(search->group, bf16_number(last) * 0.5f);
    if (cut + search->group->below[zeros] > search->error) continue;
    for (uint32_t k = 0; k < TRIED; k++) ordinals[k] = top - k < last ? last : top - k;
    try_ordinals(search, ordinals, last);
  }
}

#endif
