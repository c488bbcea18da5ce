/// Encoders, as loops that vectorise. See `scalar/encode.c` for what they compute.
///
/// Maxima are taken over bit patterns: integers order like the magnitudes of floats, and integer
/// maxima vectorise where those of floats, because of NaN, do not.
#ifndef QUERN_VECTOR_ENCODE_H
#define QUERN_VECTOR_ENCODE_H

#include "../numbers.h"
#include "../scalar/scalar.h"
#include "lanes16.h"

static void bf16_from_f32(const float *source, void *out, size_t count) {
  uint8_t *bytes = out;
  for (size_t i = 0; i < count; i++) {
    uint16_t half = bf16_of_f32(source[i]);
    memcpy(bytes + 2 * i, &half, 2);
  }
}

static void f16_from_f32(const float *source, void *out, size_t count) {
  uint8_t *bytes = out;
  for (size_t i = 0; i < count; i++) {
    _Float16 half = (_Float16)source[i];
    memcpy(bytes + 2 * i, &half, 2);
  }
}

static inline void store_f16(uint8_t *bytes, float value) {
  _Float16 half = (_Float16)value;
  memcpy(bytes, &half, 2);
}

/// A block's elements.
typedef struct block_values {
  floats16 low, high;
} block_values;

static inline block_values load_block_values(const float *values) {
  return (block_values){load_floats(values), load_floats(values + 16)};
}

static inline float largest_magnitude(block_values values) {
  uints16 low = (uints16)values.low & magnitude_mask, high = (uints16)values.high & magnitude_mask;
  return float_of(largest_of(__builtin_elementwise_max(low, high)));
}

/// Rounds half away from zero: the constant is the largest float below one half, so that 0.49999997
/// stays 0. Equal to `roundf` for every float up to 128.
static inline bytes16 rounded_away(floats16 values) {
  floats16 half = (floats16)(((uints16)values & 0x80000000) | 0x3effffff);
  return low_bytes(__builtin_convertvector(values + half, ints16));
}

static void q8_0_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (; count > 0; count -= BLOCK_ELEMENTS, source += BLOCK_ELEMENTS, blocks += Q8_0_BYTES) {
    block_values values = load_block_values(source);
    float d = largest_magnitude(values) / 127.0f;
    // 1/d of d = 0 is infinite as well.
    float inverse = 1.0f / d;
    if (inverse > 0x1.fffffep127f) d = inverse = 0;
    bytes16 low = rounded_away(values.low * inverse), high = rounded_away(values.high * inverse);
    store_f16(blocks, d);
    memcpy(blocks + 2, &low, 16);
    memcpy(blocks + 18, &high, 16);
  }
}

/// The first element of largest magnitude, with its sign.
static inline float signed_maximum(block_values values, const float *source) {
  // As signed integers negative floats are below all positive ones, as unsigned ones above.
  ints16 upper = __builtin_elementwise_max((ints16)values.low, (ints16)values.high);
  int32_t positive = __builtin_reduce_max(upper);
  uint32_t negative =
    largest_of(__builtin_elementwise_max((uints16)values.low, (uints16)values.high));
  uint32_t above = positive > 0 ? (uint32_t)positive : 0;
  uint32_t below = negative & 0x80000000 ? negative & magnitude_mask : 0;
  if (above > below) return float_of(above);
  if (above < below) return float_of(negative);
  if (below == 0) return 0;
  for (int k = 0;; k++)
    if ((bits_of(source[k]) & magnitude_mask) == below) return source[k];
}

static inline ints16 q4_0_codes(floats16 values, float inverse) {
  floats16 scaled = values * inverse;
  ints16 codes = __builtin_convertvector(scaled + 8.5f, ints16);
  return __builtin_elementwise_min(codes, (ints16){0} + 15);
}

static void q4_0_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (; count > 0; count -= BLOCK_ELEMENTS, source += BLOCK_ELEMENTS, blocks += Q4_0_BYTES) {
    block_values values = load_block_values(source);
    float d = signed_maximum(values, source) / -8.0f;
    float inverse = 1.0f / d;
    if (inverse > 0x1.fffffep127f || inverse < -0x1.fffffep127f) d = -0.0f, inverse = 0;
    ints16 low = q4_0_codes(values.low, inverse), high = q4_0_codes(values.high, inverse);
    bytes16 both = low_bytes(low | high << 4);
    store_f16(blocks, d);
    memcpy(blocks + 2, &both, 16);
  }
}

/// Codes of values in units: nearest, to the smaller on ties, 12 at most.
static inline ints16 mxfp4_codes(floats16 values) {
  ints16 bits = (ints16)values & (int32_t)magnitude_mask;
  floats16 size = (floats16)bits;
  // From 2 on the grid is floats with one fraction bit: round at that bit. Code 2 stands for 2.0,
  // whose bits shifted are 256.
  ints16 large = __builtin_elementwise_min(((bits + 0x1fffff) >> 22) - 254, (ints16){0} + 7);
  ints16 small = -((size > 0.5f) + (size > 1.5f));
  ints16 is_small = size < 2.0f;
  ints16 code = (small & is_small) | (large & ~is_small);
  ints16 sign = (ints16)((uints16)values >> 28) & 8;
  return code | (sign & (code != 0));
}

static void mxfp4_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (; count > 0; count -= BLOCK_ELEMENTS, source += BLOCK_ELEMENTS, blocks += MXFP4_BYTES) {
    block_values values = load_block_values(source);
    int e = floor_log2_rounded(largest_magnitude(values)) - 2 + 127;
    // Outside these, 1/unit or a grid value overflows.
    if (e < 2 || e > 252) {
      quern_scalar_mxfp4_from_f32(source, blocks, BLOCK_ELEMENTS);
      continue;
    }
    float inverse = float_of((uint32_t)(255 - e) << 23);
    ints16 low = mxfp4_codes(values.low * inverse), high = mxfp4_codes(values.high * inverse);
    bytes16 both = low_bytes(low | high << 4);
    blocks[0] = (uint8_t)e;
    memcpy(blocks + 1, &both, 16);
  }
}

#endif
