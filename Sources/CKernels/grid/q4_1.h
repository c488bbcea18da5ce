/// Q4_1 from the FP4 grid: the best step and minimum of the lattice, then the least squares of the
/// codes that they give.
#ifndef QUERN_GRID_Q4_1_H
#define QUERN_GRID_Q4_1_H

#include "affine.h"

/// Scale bytes under which F16 holds sixteenths of a unit, and sixteen units.
enum { Q4_1_FIRST_BYTE = 108, Q4_1_LAST_BYTE = 139 };

/// Step and minimum of least error for the codes that `fit` gives; `fit` where they are all the same.
static inline affine_fit least_squares(const affine_run *run, affine_fit fit) {
  double w = 0, wq = 0, wqq = 0, wv = 0, wvq = 0;
  for (int i = 0; i < run->count; i++) {
    double weight = run->weights[i], value = run->values[i];
    double code = affine_code(run->values[i], fit.step, fit.minimum);
    w += weight, wq += weight * code, wqq += weight * code * code;
    wv += weight * value, wvq += weight * value * code;
  }
  double spread = w * wqq - wq * wq;
  if (!(spread > 0)) return fit;
  double step = (w * wvq - wv * wq) / spread;
  if (!(step > 0)) return fit;
  fit.step = (float)step;
  fit.minimum = (float)((step * wq - wv) / w);
  return fit;
}

/// The fit with its step and minimum as F16, and its error.
static inline affine_fit stored_fit(const affine_run *run, affine_fit fit, float unit) {
  fit.step = f32_of_f16(f16_of_f32(fit.step * unit)) / unit;
  fit.minimum = f32_of_f16(f16_of_f32(fit.minimum * unit)) / unit;
  fit.error = 0;
  for (int i = 0; i < run->count; i++) {
    float code = affine_code(run->values[i], fit.step, fit.minimum);
    float error = run->values[i] + fit.minimum - fit.step * code;
    fit.error += run->weights[i] * (error * error);
  }
  return fit;
}

static inline affine_fit fit_q4_1(const affine_run *run, float unit) {
  enum { ROUNDS = 4, LOWEST_MINIMUM = -12 };
  affine_fit best = fit_on_lattice(run, LOWEST_MINIMUM);
  if (best.error == 0) return best;
  best = stored_fit(run, best, unit);
  for (int round = 0; round < ROUNDS; round++) {
    affine_fit next = stored_fit(run, least_squares(run, best), unit);
    if (!(next.error < best.error) || next.step == 0) break;
    best = next;
  }
  return best;
}

static inline bool q4_1_block(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                              uint8_t *block) {
  uint8_t e = *e8m0;
  if (e < Q4_1_FIRST_BYTE || e > Q4_1_LAST_BYTE || all_zero(packed, PACKED_BYTES)) return false;
  float normaliser = weights ? weight_normaliser(weights, BLOCK_ELEMENTS) : 0;
  float unit = e2m1_unit(e);
  affine_run run = affine_run_of(packed, weights, normaliser);
  affine_fit fit = fit_q4_1(&run, unit);
  uint8_t codes[16];
  for (int code = 0; code < 16; code++)
    codes[code] = affine_code(e2m1_doubled[code], fit.step, fit.minimum);
  store_u16(block, f16_of_f32(fit.step * unit));
  store_u16(block + 2, f16_of_f32(-fit.minimum * unit));
  for (int k = 0; k < 16; k++)
    block[4 + k] =
      (uint8_t)(codes[packed_code(packed, k)] | codes[packed_code(packed, k + 16)] << 4);
  return true;
}

static inline void q4_1_blocks(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                               uint8_t *blocks, size_t count, const quern_block_kernels *own) {
  grid_format format = {own, q4_1_block, BLOCK_ELEMENTS, Q4_1_BYTES};
  encode_searching(format, packed, e8m0, weights, blocks, count);
}

#endif
