/// What a block of the FP4 grid weighs, by code: all that an error depends on once the scales are
/// chosen.
#ifndef QUERN_GRID_HISTOGRAM_H
#define QUERN_GRID_HISTOGRAM_H

#include "runs.h"

/// The power of two that brings the largest weight to about 1, so that no sum of squares overflows;
/// 0 where all are 0.
static inline float weight_normaliser(const float *weights, int count) {
  float largest = 0;
  for (int k = 0; k < count; k++) largest = weights[k] > largest ? weights[k] : largest;
  int exponent = (int)(bits_of(largest) >> 23);
  if (largest == 0) return 0;
  return float_of((uint32_t)(exponent > 252 ? 1 : exponent < 1 ? 253 : 254 - exponent) << 23);
}

/// Adds up the weights of each code of 32, in order. Without weights, or where all are 0, every
/// element counts as 1. The doubles hold sums and products of them exactly, or nearly.
static inline void weigh_codes(const uint8_t *packed, const float *weights, float sums[16]) {
  float normaliser = weights ? weight_normaliser(weights, BLOCK_ELEMENTS) : 0;
  for (int code = 0; code < 16; code++) sums[code] = 0;
  for (int k = 0; k < BLOCK_ELEMENTS; k++)
    sums[packed_code(packed, k)] += normaliser == 0 ? 1.0f : weights[k] * normaliser;
}

/// A bit for each code that occurs; those of both zeros are left out.
static inline uint32_t codes_present(const uint8_t *packed) {
  uint32_t present = 0;
  for (int k = 0; k < BLOCK_ELEMENTS; k++) present |= 1u << packed_code(packed, k);
  return present & 0xfefe;
}

#endif
