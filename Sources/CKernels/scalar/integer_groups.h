/// Groups of integers with one scale, and perhaps one zero point, each: (code − zero) · scale.
///
/// Plain loops over sixteen candidates at a time, for the compiler to vectorise. Every level
/// includes them and does the same operations in the same order.
#ifndef QUERN_INTEGER_GROUPS_H
#define QUERN_INTEGER_GROUPS_H

#include "../numbers.h"
#include "optimal_blocks.h"
#include "scalar.h"

enum { CANDIDATES = 16 };

/// Scales of a group and zero points of its codes, as float32.
typedef struct group_candidates {
  float scales[CANDIDATES], zeros[CANDIDATES], errors[CANDIDATES];
} group_candidates;

typedef struct group_choice {
  float scale, zero, error;
} group_choice;

typedef struct group_extremes {
  /// least ≤ 0 ≤ most; without zero points both as large as the largest magnitude.
  float least, most, largest;
} group_extremes;

/// Without zero points only the largest magnitude counts: that of bits, which compilers vectorise.
static inline float largest_of_group(const float *values, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = bits_of(values[i]) & magnitude_mask;
    largest = bits > largest ? bits : largest;
  }
  return float_of(largest);
}

static inline group_extremes extremes_of_group(const quern_integer_layout *layout,
                                               const float *values) {
  size_t count = layout->group;
  if (!layout->zero_points) {
    float largest = largest_of_group(values, count);
    return (group_extremes){-largest, largest, largest};
  }
  float least = 0, most = 0;
  for (size_t i = 0; i < count; i++) {
    least = values[i] < least ? values[i] : least;
    most = values[i] > most ? values[i] : most;
  }
  return (group_extremes){least, most, -least > most ? -least : most};
}

/// The scale as it is stored; `up` to the next number that is not smaller, else to the nearest.
static inline float stored_scale(quern_scale_type type, float scale, bool up) {
  if (type == QUERN_SCALE_F32) return scale;
  if (type == QUERN_SCALE_BF16) {
    uint32_t bits = bits_of(scale);
    bits = up ? bits + 0xffff : bits + 0x7fff + (bits >> 16 & 1);
    return float_of(bits & 0xffff0000);
  }
  uint16_t half = f16_of_f32(scale);
  float stored = f32_of_f16(half);
  return up && fabsf(stored) < fabsf(scale) ? f32_of_f16((uint16_t)(half + 1)) : stored;
}

/// 1/scale, and 0 where that is no number: every code is then the zero point.
static inline float inverse_of(float scale) {
  float inverse = 1.0f / scale;
  return fabsf(inverse) <= 0x1.fffffep127f ? inverse : 0;
}

/// To the nearest integer, to even on ties: below 2^22 the sum has no room for fractions. Larger
/// numbers are cut to that first.
static inline float nearest_integer(float value) {
  const float bias = 12582912.0f, bound = 4194303.0f;
  value = value < -bound ? -bound : value;
  value = value > bound ? bound : value;
  return (value + bias) - bias;
}

static inline float clamped_number(float value, float least, float most) {
  value = value < least ? least : value;
  return value > most ? most : value;
}

/// The errors of all candidates: for each the elements in their order.
static inline void try_candidates(const quern_integer_layout *layout, const float *values,
                                  const float *weights, group_candidates *candidates) {
  float inverses[CANDIDATES], lows[CANDIDATES], highs[CANDIDATES], sums[CANDIDATES];
  for (int k = 0; k < CANDIDATES; k++) {
    inverses[k] = inverse_of(candidates->scales[k]);
    lows[k] = (float)layout->least - candidates->zeros[k];
    highs[k] = (float)layout->most - candidates->zeros[k];
    sums[k] = 0;
  }
  for (size_t i = 0; i < layout->group; i++) {
    float value = values[i], weight = weights ? weights[i] : 1;
    for (int k = 0; k < CANDIDATES; k++) {
      float code = clamped_number(nearest_integer(value * inverses[k]), lows[k], highs[k]);
      float error = value - code * candidates->scales[k];
      sums[k] += weight * error * error;
    }
  }
  for (int k = 0; k < CANDIDATES; k++) candidates->errors[k] = sums[k];
}

static inline void take_best(const group_candidates *candidates, group_choice *best) {
  for (int k = 0; k < CANDIDATES; k++)
    if (candidates->errors[k] < best->error)
      *best = (group_choice){candidates->scales[k], candidates->zeros[k], candidates->errors[k]};
}

/// The zero point at which the range begins, moved by `shift`.
static inline float zero_point(const quern_integer_layout *layout, float least, float scale,
                               float shift) {
  float zero = (float)layout->least - nearest_integer(least * inverse_of(scale)) + shift;
  return clamped_number(zero, (float)layout->least, (float)layout->most);
}

/// Scale and zero point of the range from the least to the most, none of which is cut.
static inline group_choice absmax_choice(const quern_integer_layout *layout,
                                         group_extremes extremes) {
  float steps = layout->zero_points ? (float)(layout->most - layout->least) : (float)layout->most;
  float range = layout->zero_points ? extremes.most / steps - extremes.least / steps
                                    : extremes.largest / steps;
  group_choice choice = {stored_scale(layout->scale, range, true), 0, INFINITY};
  if (inverse_of(choice.scale) == 0) choice.scale = choice.scale > 1 ? choice.scale : 0;
  if (layout->zero_points) choice.zero = zero_point(layout, extremes.least, choice.scale, 0);
  return choice;
}

static inline void write_group(const quern_integer_layout *layout, const float *values,
                               group_choice choice, int8_t *codes) {
  float inverse = inverse_of(choice.scale);
  float low = (float)layout->least - choice.zero, high = (float)layout->most - choice.zero;
  // Codes are bytes, which might be the layout's: it is not to be read again.
  size_t count = layout->group;
  for (size_t i = 0; i < count; i++)
    codes[i] =
      (int8_t)(int)(clamped_number(nearest_integer(values[i] * inverse), low, high) + choice.zero);
}

/// Scales between two, with the zero points of a range shrunk alike.
static inline void spread_candidates(const quern_integer_layout *layout, group_extremes extremes,
                                     float absmax_scale, float low, float high, float shift,
                                     group_candidates *candidates) {
  for (int k = 0; k < CANDIDATES; k++) {
    float fraction = low + (high - low) * ((float)(k + 1) * 0.0625f);
    float scale = stored_scale(layout->scale, absmax_scale * fraction, false);
    candidates->scales[k] = scale;
    candidates->zeros[k] =
      layout->zero_points ? zero_point(layout, extremes.least * fraction, scale, shift) : 0;
  }
}

/// What the choice by absmax has to be worse by, relatively: more than sums may be off.
static const float group_margin = 1 - 0x1p-10f;

/// Fractions of absmax's scale among which the best are: small groups gain by chance, the more
/// scales are tried; large ones by cutting their few largest elements, the more the fewer codes
/// there are.
typedef struct fraction_range {
  float least, most;
} fraction_range;

static inline fraction_range fractions_of(const quern_integer_layout *layout) {
  if (layout->most - layout->least < 32) return (fraction_range){0.35f, 1.13f};
  if (layout->group <= 64) return (fraction_range){0.99f, 1.14f};
  if (layout->group <= 256) return (fraction_range){0.9f, 1.11f};
  return (fraction_range){0.6f, 1.02f};
}

enum { SPREADS = 3 };

/// Tries scales of one sign.
static inline void try_spreads(const quern_integer_layout *layout, const float *values,
                               const float *weights, group_extremes extremes, float absmax_scale,
                               group_choice *best) {
  fraction_range range = fractions_of(layout);
  float width = (range.most - range.least) / SPREADS, shifts = layout->zero_points ? 1 : 0;
  for (int s = 0; s < SPREADS; s++)
    for (float shift = -shifts; shift <= shifts; shift++) {
      float low = range.least + width * (float)s;
      group_candidates candidates;
      spread_candidates(layout, extremes, absmax_scale, low, low + width, shift, &candidates);
      try_candidates(layout, values, weights, &candidates);
      take_best(&candidates, best);
    }
}

/// Tries scales around the best, up to its neighbours.
static inline void try_around(const quern_integer_layout *layout, const float *values,
                              const float *weights, group_choice *best) {
  fraction_range range = fractions_of(layout);
  float step = (range.most - range.least) / (SPREADS * CANDIDATES);
  group_candidates candidates;
  for (int k = 0; k < CANDIDATES; k++) {
    float place = ((float)k - 7.5f) * 0.125f;
    candidates.scales[k] =
      stored_scale(layout->scale, best->scale + best->scale * (place * step), false);
    candidates.zeros[k] = best->zero;
  }
  try_candidates(layout, values, weights, &candidates);
  take_best(&candidates, best);
}

/// The best of a fixed set of scales and of some around it, never worse than absmax.
static inline group_choice best_of_spread(const quern_integer_layout *layout, const float *values,
                                          const float *weights, group_extremes extremes) {
  group_choice absmax = absmax_choice(layout, extremes), best = absmax;
  if (!(absmax.scale > 0)) return absmax;
  group_candidates candidates;
  for (int k = 0; k < CANDIDATES; k++)
    candidates.scales[k] = absmax.scale, candidates.zeros[k] = absmax.zero;
  try_candidates(layout, values, weights, &candidates);
  best.error = candidates.errors[0] * group_margin;
  try_spreads(layout, values, weights, extremes, absmax.scale, &best);
  if (layout->negative_scales && !layout->zero_points)
    try_spreads(layout, values, weights, extremes, -absmax.scale, &best);
  try_around(layout, values, weights, &best);
  return best;
}

/// The exact search's result as a choice, with the sign in the scale.
static inline group_choice choice_of(const optimal_format *format, optimal_scale scale) {
  float d = scale_of_ordinal(format->scale, scale.ordinal);
  return (group_choice){scale.negative ? -d : d, 0, 0};
}

/// Whether all storable scales are searched.
static inline bool is_searched_exactly(const quern_integer_layout *layout) {
  return layout->least == -8 && layout->most == 7 && !layout->zero_points &&
         layout->scale != QUERN_SCALE_F32 && layout->group <= LARGEST_GROUP &&
         layout->group % 32 == 0;
}

static inline const float *weights_of_group(const float *weights, size_t count) {
  for (size_t i = 0; weights && i < count; i++)
    if (weights[i] > 0) return weights;
  return NULL;
}

static inline void store_group(const quern_integer_layout *layout, const float *values,
                               group_choice choice, quern_integer_planes planes, size_t index) {
  write_group(layout, values, choice, planes.codes + index * layout->group);
  planes.scales[index] = choice.scale;
  if (layout->zero_points) planes.zero_points[index] = (int8_t)(int)choice.zero;
}

#endif
