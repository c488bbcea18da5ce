/// Q4_K from the FP4 grid.
#ifndef QUERN_GRID_Q4_K_H
#define QUERN_GRID_Q4_K_H

#include "affine.h"

/// A block of 256 while its scales are sought. Units are relative to the largest, 0 for runs of
/// zeros.
typedef struct q4_k_search {
  affine_run runs[8];
  affine_fit fits[8];
  float units[8], largest_unit;
} q4_k_search;

/// Scales of a block: d and dmin in largest units, the pairs, and the weighted squared error.
typedef struct q4_k_scales {
  float d, dmin, error;
  six_bit_pair pairs[8];
} q4_k_scales;

/// The pair nearest to the fit of a run, which wins ties, and fifteen around it. A scale of 0 would
/// not divide.
static inline affine_fit fit_pair(const affine_run *run, affine_fit fit, float d, float dmin) {
  affine_trials trials;
  float scale = rintf(fit.step / d), minimum = rintf(fit.minimum / dmin);
  for (int t = 0; t < TRIALS; t++) {
    float s = scale + (t == 0 ? 0 : (float)((t - 1) / 5 - 1));
    float m = minimum + (t == 0 ? 0 : (float)((t - 1) % 5 - 2));
    trials.steps[t] = d * (s < 1 ? 1 : s > 63 ? 63 : s);
    trials.minima[t] = dmin * (m < 0 ? 0 : m > 63 ? 63 : m);
  }
  affine_fit best = {0, 0, INFINITY};
  try_steps(run, &trials, &best);
  return best;
}

/// The best pairs under d and dmin, if their error is less than that of `best`.
static inline void try_scales(const q4_k_search *search, float d, float dmin, q4_k_scales *best) {
  q4_k_scales scales = {.d = d, .dmin = dmin};
  for (int r = 0; r < 8; r++) {
    if (search->units[r] == 0) continue;
    float unit = search->units[r], own = d / unit, own_minimum = dmin / unit;
    affine_fit fit = fit_pair(search->runs + r, search->fits[r], own, own_minimum);
    scales.pairs[r].scale = (uint8_t)rintf(fit.step / own);
    scales.pairs[r].minimum = (uint8_t)rintf(fit.minimum / own_minimum);
    scales.error += fit.error * (unit * unit);
    if (scales.error >= best->error) return;
  }
  *best = scales;
}

static inline float as_f16(float value, float unit) {
  return f32_of_f16(f16_of_f32(value * unit)) / unit;
}

/// Sixteenths and quarters of the largest unit, which all the fits are multiples of where all units
/// are the same; then scales under which the largest step and minimum become 63, 62 … 59.
static inline q4_k_scales find_scales(const q4_k_search *search) {
  q4_k_scales best = {.error = INFINITY};
  float step = 0, minimum = 0, unit = search->largest_unit;
  for (int r = 0; r < 8; r++) {
    if (search->units[r] == 0) continue;
    float own_step = search->fits[r].step * search->units[r];
    float own_minimum = search->fits[r].minimum * search->units[r];
    step = own_step > step ? own_step : step;
    minimum = own_minimum > minimum ? own_minimum : minimum;
  }
  try_scales(search, 1 / 16.0f, 1 / 4.0f, &best);
  for (int top = 63; top >= 59 && minimum > 0; top--)
    try_scales(search, as_f16(step / (float)top, unit), as_f16(minimum / (float)top, unit), &best);
  return best;
}

static inline void store_q4_k(const uint8_t *packed, const q4_k_search *search,
                              const q4_k_scales *scales, uint8_t *block) {
  memset(block, 0, Q4_K_BYTES);
  store_u16(block, f16_of_f32(scales->d * search->largest_unit));
  store_u16(block + 2, f16_of_f32(scales->dmin * search->largest_unit));
  for (int r = 0; r < 8; r++) {
    if (search->units[r] == 0) continue;
    six_bit_pair pair = scales->pairs[r];
    uint8_t codes[16];
    float step = scales->d * pair.scale / search->units[r];
    float minimum = scales->dmin * pair.minimum / search->units[r];
    store_six_bit_pair(block + 4, r, pair);
    for (int code = 0; code < 16; code++)
      codes[code] = affine_code(e2m1_doubled[code], step, minimum);
    for (int l = 0; l < BLOCK_ELEMENTS; l++)
      block[16 + r / 2 * 32 + l] |=
        (uint8_t)(codes[packed_code(packed + PACKED_BYTES * r, l)] << r % 2 * 4);
  }
}

static inline bool q4_k_block(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                              uint8_t *block) {
  const unit_limits limits = {.lowest = 114, .highest = 140, .spread = 5};
  q4_k_search search;
  if (!relative_units(packed, e8m0, limits, search.units, &search.largest_unit)) return false;
  float normaliser = weights ? weight_normaliser(weights, SUPER_ELEMENTS) : 0;
  for (int r = 0; r < 8; r++) {
    if (search.units[r] == 0) continue;
    search.runs[r] = affine_run_of(packed + PACKED_BYTES * r,
                                   weights ? weights + BLOCK_ELEMENTS * r : NULL, normaliser);
    search.fits[r] = fit_on_lattice(search.runs + r, 0);
  }
  q4_k_scales scales = find_scales(&search);
  store_q4_k(packed, &search, &scales, block);
  return true;
}

static inline void q4_k_blocks(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                               uint8_t *blocks, size_t count, const quern_block_kernels *own) {
  grid_format format = {own, q4_k_block, SUPER_ELEMENTS, Q4_K_BYTES};
  encode_searching(format, packed, e8m0, weights, blocks, count);
}

#endif
