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

/// Blocks whose scales are computed together: two divisions, one after the other, take longer than
/// all the rest of a block.
enum { SCALED_BLOCKS = 16 };

typedef _Float16 halves16 __attribute__((vector_size(32)));

/// The scales of a group: before, what each block is scaled by; after, 1/d and d as F16.
typedef struct block_scales {
  float largest[SCALED_BLOCKS], inverse[SCALED_BLOCKS];
  uint16_t stored[SCALED_BLOCKS];
} block_scales;

/// d = largest ÷ divisor. Where 1/d is infinite, which includes d = 0, the inverse is 0 and `zero`
/// is stored.
static inline void divide_scales(block_scales *scales, float divisor, float zero) {
  floats16 d = load_floats(scales->largest) / divisor, inverse = 1.0f / d;
  uints16 finite = (uints16)(((uints16)inverse & magnitude_mask) < 0x7f800000);
  uints16 kept = ((uints16)d & finite) | (bits_of(zero) & ~finite);
  halves16 stored = __builtin_convertvector((floats16)kept, halves16);
  store_floats(scales->inverse, (floats16)((uints16)inverse & finite));
  memcpy(scales->stored, &stored, sizeof stored);
}

static inline size_t next_group(size_t count) {
  return count / BLOCK_ELEMENTS < SCALED_BLOCKS ? count / BLOCK_ELEMENTS : SCALED_BLOCKS;
}

static void q8_0_from_f32(const float *source, uint8_t *blocks, size_t count) {
  while (count > 0) {
    size_t group = next_group(count);
    block_scales scales = {0};
    for (size_t i = 0; i < group; i++)
      scales.largest[i] = largest_magnitude(load_block_values(source + i * BLOCK_ELEMENTS));
    divide_scales(&scales, 127.0f, 0.0f);
    for (size_t i = 0; i < group; i++, source += BLOCK_ELEMENTS, blocks += Q8_0_BYTES) {
      block_values values = load_block_values(source);
      bytes16 low = rounded_away(values.low * scales.inverse[i]);
      bytes16 high = rounded_away(values.high * scales.inverse[i]);
      memcpy(blocks, scales.stored + i, 2);
      memcpy(blocks + 2, &low, 16);
      memcpy(blocks + 18, &high, 16);
    }
    count -= group * BLOCK_ELEMENTS;
  }
}

/// The first element of largest magnitude, with its sign.
///
/// With the sign bit turned to the lowest place, the largest of the bit patterns is the largest
/// magnitude, a negative one before its positive twin. Only where both twins are there does the order
/// of the elements matter; a branch on the sign itself would be mispredicted in every other block.
static inline float signed_maximum_of(const float *source) {
  block_values values = load_block_values(source);
  uints16 low = (uints16)values.low, high = (uints16)values.high;
  uint32_t turned = largest_of(
    __builtin_elementwise_max(low << 1 | low >> 31, high << 1 | high >> 31));
  uint32_t magnitude = turned >> 1;
  if ((turned & 1) && __builtin_reduce_or((ints16)(low == magnitude) | (ints16)(high == magnitude)))
    for (int k = 0;; k++)
      if ((bits_of(source[k]) & magnitude_mask) == magnitude) return source[k];
  return float_of(turned << 31 | magnitude);
}

static inline ints16 q4_0_codes(floats16 values, float inverse) {
  floats16 scaled = values * inverse;
  ints16 codes = __builtin_convertvector(scaled + 8.5f, ints16);
  return __builtin_elementwise_min(codes, (ints16){0} + 15);
}

static void q4_0_from_f32(const float *source, uint8_t *blocks, size_t count) {
  while (count > 0) {
    size_t group = next_group(count);
    block_scales scales = {0};
    for (size_t i = 0; i < group; i++)
      scales.largest[i] = signed_maximum_of(source + i * BLOCK_ELEMENTS);
    divide_scales(&scales, -8.0f, -0.0f);
    for (size_t i = 0; i < group; i++, source += BLOCK_ELEMENTS, blocks += Q4_0_BYTES) {
      block_values values = load_block_values(source);
      ints16 low = q4_0_codes(values.low, scales.inverse[i]);
      ints16 high = q4_0_codes(values.high, scales.inverse[i]);
      bytes16 both = low_bytes(low | high << 4);
      memcpy(blocks, scales.stored + i, 2);
      memcpy(blocks + 2, &both, 16);
    }
    count -= group * BLOCK_ELEMENTS;
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
