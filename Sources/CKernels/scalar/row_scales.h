/// The BF16 scales of rows and groups of floats, without zero points.
#ifndef QUERN_ROW_SCALES_H
#define QUERN_ROW_SCALES_H

#include "integer_groups.h"
#include "row_sizes.h"

/// Whether scales are searched here, among numbers of BF16.
static inline bool is_searched_in_bf16(const quern_integer_layout *layout) {
  return layout->scale == QUERN_SCALE_BF16 && !layout->zero_points && !layout->negative_scales &&
         layout->group <= 1 << 23;
}

/// Magnitudes that no search here has to take care of.
static inline bool is_ordinary(float largest) {
  return largest >= 0x1p-40f && largest <= 0x1p40f;
}

/// Scales whose errors are summed side by side.
enum { ABREAST = 4 };

/// Elements as they are summed: element i in lane i mod 16, zeros after the last.
static inline scale_lanes element_lanes(const float *values, size_t index, size_t count) {
  scale_lanes lanes = {0};
  size_t rest = count - index;
  memcpy(&lanes, values + index, (rest < TRIED ? rest : TRIED) * sizeof *values);
  return lanes;
}

static inline float sum_of_lanes(scale_lanes lanes) {
  for (int half = TRIED / 2; half > 0; half /= 2)
    for (int k = 0; k < half; k++) lanes[k] += lanes[k + half];
  return lanes[0];
}

/// Σ w·(x − code·scale)² under four scales.
static inline void errors_of_values(const quern_integer_layout *layout, const float *values,
                                    const float *weights, float normaliser,
                                    const float scales[ABREAST], float errors[ABREAST]) {
  scale_lanes sums[ABREAST] = {{0}};
  float most = (float)layout->most, least = -(float)layout->least;
  for (size_t i = 0; i < layout->group; i += TRIED) {
    bool whole = layout->group - i >= TRIED;
    scale_lanes value, weight = {0};
    if (whole) memcpy(&value, values + i, sizeof value);
    else value = element_lanes(values, i, layout->group);
    if (weights) weight = element_lanes(weights, i, layout->group) * normaliser;
    scale_bits sign = (scale_bits)value & (int32_t)0x80000000;
    scale_bits negative = sign >> 31;
    scale_lanes size = (scale_lanes)((scale_bits)value ^ sign);
    scale_lanes limit =
      (scale_lanes)(((scale_bits)((scale_lanes){0} + least) & negative) |
                    ((scale_bits)((scale_lanes){0} + most) & ~negative));
    for (int k = 0; k < ABREAST; k++) {
      scale_lanes code = smaller_lanes(nearest_lanes(size * (1 / scales[k])), limit);
      scale_lanes rest = size - code * scales[k];
      sums[k] += weights ? weight * rest * rest : rest * rest;
    }
  }
  for (int k = 0; k < ABREAST; k++) errors[k] = sum_of_lanes(sums[k]);
}

/// What cutting costs, as `cut_error` does.
static inline float cut_error_of_values(const quern_integer_layout *layout, const float *values,
                                        const float *weights, float normaliser, float scale) {
  float most = (float)layout->most * scale, least = (float)layout->least * scale;
  scale_lanes sums = {0};
  for (size_t i = 0; i < layout->group; i += TRIED) {
    scale_lanes value = element_lanes(values, i, layout->group);
    scale_lanes above = value - most, below = least - value;
    above = (scale_lanes)((scale_bits)above & ~((scale_bits)above >> 31));
    below = (scale_lanes)((scale_bits)below & ~((scale_bits)below >> 31));
    scale_lanes rest = above + below;
    sums += weights ? element_lanes(weights, i, layout->group) * normaliser * rest * rest : rest * rest;
  }
  return sum_of_lanes(sums);
}

typedef struct value_search {
  const quern_integer_layout *layout;
  const float *values, *weights;
  float normaliser;
  uint32_t ordinal;  ///< the best so far
  float error;
} value_search;

/// Tries sixteen scales from `top` down, but none below `lowest`.
static inline void try_downwards(value_search *search, uint32_t top, uint32_t lowest) {
  for (uint32_t start = 0; start < TRIED && top - lowest >= start; start += ABREAST) {
    float scales[ABREAST], errors[ABREAST];
    for (uint32_t k = 0; k < ABREAST; k++) {
      uint32_t step = start + k;
      scales[k] = bf16_number(top - lowest < step ? lowest : top - step);
    }
    errors_of_values(search->layout, search->values, search->weights, search->normaliser, scales,
                     errors);
    for (uint32_t k = 0; k < ABREAST; k++) {
      if (!(errors[k] < search->error)) continue;
      search->error = errors[k];
      search->ordinal = bits_of(scales[k]) >> 16;
    }
  }
}

/// All scales from `highest` down, until cutting alone costs more than the best.
static inline void search_values(value_search *search, uint32_t lowest, uint32_t highest) {
  for (uint32_t top = highest; top >= lowest; top -= TRIED) {
    float cut = cut_error_of_values(search->layout, search->values, search->weights,
                                    search->normaliser, bf16_number(top));
    if (cut > search->error) return;
    try_downwards(search, top, lowest);
  }
}

/// Rows with so many different magnitudes at most lie on a lattice, of which a scale above absmax's may
/// meet more; rows of so many elements at least are searched by magnitudes with codes of eight bits.
enum { LATTICE_SIZES = 256, LONG_ROW = 256 };

/// The largest scale that is tried with codes of eight bits, as an ordinal: the shorter a group, the
/// more chance there is in its errors.
static inline uint32_t highest_of(const quern_integer_layout *layout, uint32_t absmax) {
  float fraction = 1.02f;
  if (layout->group <= 1024) fraction = 1.06f;
  if (layout->group <= 256) fraction = 1.11f;
  if (layout->group <= 64) fraction = 1.14f;
  return bits_of(bf16_number(absmax) * fraction) >> 16;
}

static inline uint32_t ordinal_by_values(const quern_integer_layout *layout, const float *values,
                                         const float *weights, uint32_t absmax) {
  value_search search = {layout, values, weights, 0, absmax, INFINITY};
  if (weights) search.normaliser = weight_normaliser(weights, (int)layout->group);
  search_values(&search, absmax - OCTAVES_DOWN * OCTAVE, highest_of(layout, absmax));
  return search.ordinal;
}

/// Of values that are no numbers of BF16 the magnitudes are rounded to such for the search; the scales
/// around the one it finds are then tried with the values themselves.
static inline uint32_t ordinal_by_sizes(const quern_integer_layout *layout, const float *values,
                                        const float *weights, uint32_t absmax, bool is_bf16) {
  group_sizes group;
  bool is_symmetric = layout->least == -layout->most;
  uint32_t lowest = absmax - OCTAVES_DOWN * OCTAVE, highest = absmax + OCTAVES_UP * OCTAVE - 1;
  sizes_of_row(values, weights, layout->group, !is_symmetric, lowest - OCTAVE, &group);
  scale_search search = {&group, (float)layout->most, -(float)layout->least, absmax, INFINITY};
  if (is_symmetric && group.count > LATTICE_SIZES) highest = highest_of(layout, absmax);
  search_scales(&search, absmax, lowest, highest);
  if (is_bf16) return search.ordinal;
  value_search exact = {layout, values, weights, 0, search.ordinal, INFINITY};
  if (weights) exact.normaliser = weight_normaliser(weights, (int)layout->group);
  try_downwards(&exact, search.ordinal + TRIED / 2, lowest);
  return exact.ordinal;
}

/// The best scale, or absmax's choice for groups that are not ordinary.
static inline group_choice best_in_bf16(const quern_integer_layout *layout, const float *values,
                                        const float *weights, group_extremes extremes) {
  row_extremes row = extremes_of_row(values, weights, layout->group);
  if (!is_ordinary(row.largest)) return best_of_spread(layout, values, weights, extremes);
  float scale = stored_scale(QUERN_SCALE_BF16, row.largest / (float)layout->most, true);
  uint32_t absmax = bits_of(scale) >> 16;
  bool by_values =
    layout->most == 127 && (!row.is_bf16 || layout->group < LONG_ROW);
  uint32_t ordinal = by_values ? ordinal_by_values(layout, values, weights, absmax)
                               : ordinal_by_sizes(layout, values, weights, absmax, row.is_bf16);
  return (group_choice){bf16_number(ordinal), 0, 0};
}

/// The choice where not all storable scales are searched.
static inline group_choice searched_choice(const quern_integer_layout *layout,
                                           const float *values, const float *weights,
                                           group_extremes extremes) {
  return is_searched_in_bf16(layout) ? best_in_bf16(layout, values, weights, extremes)
                                     : best_of_spread(layout, values, weights, extremes);
}

#endif
