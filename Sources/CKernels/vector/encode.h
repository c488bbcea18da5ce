/// Encoders, as loops that vectorise. See `scalar/encode.c` for what they compute.
///
/// Maxima are taken over bit patterns: integers order like the magnitudes of floats, and integer
/// maxima vectorise where those of floats, because of NaN, do not.
#ifndef QUERN_VECTOR_ENCODE_H
#define QUERN_VECTOR_ENCODE_H

#include "../numbers.h"
#include "../scalar/scalar.h"
#include "bytes16.h"

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

static inline uint32_t largest_magnitude(const float *values) {
  uint32_t largest = 0;
  for (int k = 0; k < BLOCK_ELEMENTS; k++) {
    uint32_t magnitude = bits_of(values[k]) & magnitude_mask;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

/// Rounds half away from zero: the constant is the largest float below one half, so that 0.49999997
/// stays 0. Equal to `roundf` for every float up to 128.
static inline int round_away(float value) {
  return (int)(value + float_of((bits_of(value) & 0x80000000) | 0x3effffff));
}

static void q8_0_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (; count > 0; count -= BLOCK_ELEMENTS, source += BLOCK_ELEMENTS, blocks += Q8_0_BYTES) {
    float d = float_of(largest_magnitude(source)) / 127.0f;
    // 1/d of d = 0 is infinite as well.
    float inverse = 1.0f / d;
    if (inverse > 0x1.fffffep127f) d = inverse = 0;
    int8_t codes[BLOCK_ELEMENTS];
    for (int k = 0; k < BLOCK_ELEMENTS; k++) codes[k] = (int8_t)round_away(source[k] * inverse);
    store_f16(blocks, d);
    memcpy(blocks + 2, codes, sizeof codes);
  }
}

/// The first element of largest magnitude, with its sign.
static inline float signed_maximum(const float *values) {
  // As signed integers negative floats are below all positive ones, as unsigned ones above.
  int32_t positive = 0;
  uint32_t negative = 0;
  for (int k = 0; k < BLOCK_ELEMENTS; k++) {
    uint32_t bits = bits_of(values[k]);
    positive = (int32_t)bits > positive ? (int32_t)bits : positive;
    negative = bits > negative ? bits : negative;
  }
  uint32_t below = negative & 0x80000000 ? negative & magnitude_mask : 0;
  if ((uint32_t)positive > below) return float_of((uint32_t)positive);
  if ((uint32_t)positive < below) return float_of(negative);
  if (below == 0) return 0;
  for (int k = 0;; k++)
    if ((bits_of(values[k]) & magnitude_mask) == below) return values[k];
}

static void q4_0_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (; count > 0; count -= BLOCK_ELEMENTS, source += BLOCK_ELEMENTS, blocks += Q4_0_BYTES) {
    float d = signed_maximum(source) / -8.0f;
    float inverse = 1.0f / d;
    if (inverse > 0x1.fffffep127f || inverse < -0x1.fffffep127f) d = -0.0f, inverse = 0;
    uint8_t codes[BLOCK_ELEMENTS];
    for (int k = 0; k < BLOCK_ELEMENTS; k++) {
      int code = (int)(source[k] * inverse + 8.5f);
      codes[k] = (uint8_t)(code < 15 ? code : 15);
    }
    store_f16(blocks, d);
    for (int k = 0; k < 16; k++) blocks[2 + k] = (uint8_t)(codes[k] | codes[k + 16] << 4);
  }
}

static void mxfp4_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (; count > 0; count -= BLOCK_ELEMENTS, source += BLOCK_ELEMENTS, blocks += MXFP4_BYTES) {
    int e = floor_log2_rounded(float_of(largest_magnitude(source))) - 2 + 127;
    // Outside these, 1/unit or a grid value overflows.
    if (e < 2 || e > 252) {
      quern_scalar_mxfp4_from_f32(source, blocks, BLOCK_ELEMENTS);
      continue;
    }
    float inverse = float_of((uint32_t)(255 - e) << 23);
    uint8_t codes[BLOCK_ELEMENTS];
    for (int k = 0; k < BLOCK_ELEMENTS; k++) {
      uint32_t bits = bits_of(source[k] * inverse);
      float size = float_of(bits & magnitude_mask);
      int code = (size > 0.5f) + (size > 1.5f) + (size > 2.5f) + (size > 3.5f) + (size > 5)
        + (size > 7) + (size > 10);
      codes[k] = (uint8_t)(code | (code != 0 ? bits >> 28 & 8 : 0));
    }
    blocks[0] = (uint8_t)e;
    for (int k = 0; k < 16; k++) blocks[1 + k] = (uint8_t)(codes[k] | codes[k + 16] << 4);
  }
}

#endif
