/// IQ4_XS from the FP4 grid: the best step of each run, then scales of six bits around them.
#ifndef QUERN_GRID_IQ4_XS_H
#define QUERN_GRID_IQ4_XS_H

#include "affine.h"
#include "iq4.h"

/// Scales d that are tried, under which the largest step becomes −32, −31 … −28, and three scales
/// of a run around its step under each.
enum { IQ4_XS_TRIED = 5, IQ4_XS_AROUND = 3 };

/// Errors of a run under sixteen steps in its units.
static inline void iq4_errors(const affine_run *run, const float steps[TRIALS],
                              float errors[TRIALS]) {
  for (int t = 0; t < TRIALS; t++) errors[t] = 0;
  for (int i = 0; i < run->count; i++) {
    float value = run->values[i], weight = run->weights[i], nearest[TRIALS], places[TRIALS];
    for (int t = 0; t < TRIALS; t++) {
      places[t] = value / steps[t];
      nearest[t] = iq4_values[0];
    }
    for (int k = 0; k < 15; k++) {
      float middle = (float)(iq4_values[k] + iq4_values[k + 1]) * 0.5f;
      float width = (float)(iq4_values[k + 1] - iq4_values[k]);
      for (int t = 0; t < TRIALS; t++) nearest[t] += places[t] > middle ? width : 0;
    }
    for (int t = 0; t < TRIALS; t++) {
      float error = value - steps[t] * nearest[t];
      errors[t] += weight * (error * error);
    }
  }
}

/// Scales of a block: d in largest units, one of six bits for each run, the weighted squared error.
typedef struct iq4_xs_scales {
  float d, error;
  int8_t own[8];
} iq4_xs_scales;

/// Adds a run to the scales of each d that is tried; the run's steps are relative to its unit.
static inline void add_iq4_run(const affine_run *run, int r, float step, float unit,
                               iq4_xs_scales tried[IQ4_XS_TRIED]) {
  float steps[TRIALS], errors[TRIALS];
  int8_t scales[TRIALS];
  for (int t = 0; t < TRIALS; t++) {
    float d = tried[t / IQ4_XS_AROUND % IQ4_XS_TRIED].d / unit;
    float scale = rintf(step / d) + (float)(t % IQ4_XS_AROUND - 1);
    scales[t] = (int8_t)(scale < -32 ? -32 : scale > 31 ? 31 : scale);
    steps[t] = d * scales[t];
  }
  iq4_errors(run, steps, errors);
  for (int i = 0; i < IQ4_XS_TRIED; i++) {
    int best = IQ4_XS_AROUND * i;
    for (int t = best + 1; t < IQ4_XS_AROUND * (i + 1); t++)
      if (errors[t] < errors[best]) best = t;
    tried[i].own[r] = scales[best];
    tried[i].error += errors[best] * (unit * unit);
  }
}

/// Stores scale r of six bits, plus 32: low halves in four bytes from 4 on, the rest in two from 2.
static inline void store_iq4_xs_scale(uint8_t *block, int r, int scale) {
  unsigned stored = (unsigned)(scale + 32);
  block[2 + r / 4] |= (uint8_t)(stored >> 4 << 2 * (r % 4));
  block[4 + r / 2] |= (uint8_t)((stored & 15) << 4 * (r % 2));
}

static inline void store_iq4_xs(const uint8_t *packed, const float units[8], float largest_unit,
                                const iq4_xs_scales *scales, uint8_t *block) {
  memset(block, 0, 8);
  store_u16(block, f16_of_f32(scales->d * largest_unit));
  for (int r = 0; r < 8; r++) {
    const uint8_t *run = packed + PACKED_BYTES * r;
    uint8_t codes[16] = {0};
    if (units[r] != 0 && scales->own[r] != 0)
      iq4_codes_under(scales->d * scales->own[r] / units[r], codes);
    store_iq4_xs_scale(block, r, scales->own[r]);
    for (int k = 0; k < 16; k++)
      block[8 + 16 * r + k] =
        (uint8_t)(codes[packed_code(run, k)] | codes[packed_code(run, k + 16)] << 4);
  }
}

/// A block while its scales are sought: runs with their best steps in their own units.
typedef struct iq4_xs_search {
  affine_run runs[8];
  float steps[8], units[8], largest_unit;
} iq4_xs_search;

/// Finds the best step of every run, and returns the largest of them in largest units.
static inline float find_iq4_steps(const uint8_t *packed, const float *weights,
                                   iq4_xs_search *search) {
  float normaliser = weights ? weight_normaliser(weights, SUPER_ELEMENTS) : 0, largest = 0;
  for (int r = 0; r < 8; r++) {
    if (search->units[r] == 0) continue;
    const float *own = weights ? weights + BLOCK_ELEMENTS * r : NULL;
    float sums[16];
    weigh_codes(packed + PACKED_BYTES * r, own, sums);
    search->runs[r] = affine_run_of(packed + PACKED_BYTES * r, own, normaliser);
    search->steps[r] = iq4_best_step(sums);
    float step = search->steps[r] * search->units[r];
    if (fabsf(step) > fabsf(largest)) largest = step;
  }
  return largest;
}

static inline bool iq4_xs_block(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                uint8_t *block) {
  const unit_limits limits = {.lowest = 118, .highest = 139, .spread = 8};
  iq4_xs_search search;
  iq4_xs_scales tried[IQ4_XS_TRIED] = {0};
  if (!relative_units(packed, e8m0, limits, search.units, &search.largest_unit)) return false;
  float largest = find_iq4_steps(packed, weights, &search), unit = search.largest_unit;
  for (int i = 0; i < IQ4_XS_TRIED; i++) {
    tried[i].d = f32_of_f16(f16_of_f32(largest / (float)(i - 32) * unit)) / unit;
    if (tried[i].d == 0) return false;
  }
  for (int r = 0; r < 8; r++)
    if (search.units[r] != 0)
      add_iq4_run(search.runs + r, r, search.steps[r], search.units[r], tried);
  int best = 0;
  for (int i = 1; i < IQ4_XS_TRIED; i++)
    if (tried[i].error < tried[best].error) best = i;
  store_iq4_xs(packed, search.units, unit, tried + best, block);
  return true;
}

static inline void iq4_xs_blocks(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count, const quern_block_kernels *own) {
  grid_format format = {own, iq4_xs_block, SUPER_ELEMENTS, IQ4_XS_BYTES};
  encode_searching(format, packed, e8m0, weights, blocks, count);
}

#endif
