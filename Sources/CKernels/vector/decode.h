/// Decoders, as loops that vectorise. See `scalar/decode.c` for what they compute.
#ifndef QUERN_VECTOR_DECODE_H
#define QUERN_VECTOR_DECODE_H

#include "../numbers.h"
#include "lanes16.h"

static void f32_from_bf16(const void *source, float *out, size_t count) {
  const uint8_t *bytes = source;
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * i, 2);
    out[i] = float_of((uint32_t)half << 16);
  }
}

static void f32_from_f16(const void *source, float *out, size_t count) {
  const uint8_t *bytes = source;
  for (size_t i = 0; i < count; i++) {
    _Float16 half;
    memcpy(&half, bytes + 2 * i, 2);
    out[i] = (float)half;
  }
}

static inline float f16_at(const uint8_t *bytes) {
  _Float16 half;
  memcpy(&half, bytes, 2);
  return (float)half;
}

static void f32_from_fp8(const uint8_t *codes, const float *table, const float *scales,
                         size_t scale_block, float *out, size_t count) {
  for (size_t start = 0; start < count; start += scale_block) {
    size_t end = count - start < scale_block ? count : start + scale_block;
    float scale = *scales++;
    for (size_t i = start; i < end; i++) out[i] = table[codes[i]] * scale;
  }
}

/// Sixteen values of FP4 codes. The sign is set afterwards, because the integer 0 has none.
static inline floats16 grid_values(bytes16 codes, float unit) {
  const bytes16 doubled = {0, 1, 2, 3, 4, 6, 8, 12, 0, 1, 2, 3, 4, 6, 8, 12};
  floats16 values = __builtin_convertvector(lookup16(doubled, codes), floats16) * unit;
  uints16 signs = __builtin_convertvector(codes & 8, uints16) << 28;
  return (floats16)((uints16)values | signs);
}

static void f32_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, packed += PACKED_BYTES) {
    grid_codes codes = load_grid_codes(packed);
    float unit = e2m1_unit(*e8m0++);
    store_floats(out + i, grid_values(codes.low, unit));
    store_floats(out + i + 16, grid_values(codes.high, unit));
  }
}

static inline floats16 signed_floats(bytes16 codes) {
  return __builtin_convertvector((signed_bytes16)codes, floats16);
}

static void f32_from_q8_0(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q8_0_BYTES) {
    float d = f16_at(blocks);
    for (int k = 0; k < BLOCK_ELEMENTS; k++) out[i + k] = d * (float)(int8_t)blocks[2 + k];
  }
}

static void f32_from_q4_0(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q4_0_BYTES) {
    float d = f16_at(blocks);
    bytes16 codes = load16(blocks + 2);
    store_floats(out + i, signed_floats((codes & 15) - 8) * d);
    store_floats(out + i + 16, signed_floats((codes >> 4) - 8) * d);
  }
}

static void f32_from_mxfp4(const uint8_t *blocks, float *out, size_t count) {
  bytes16 doubled = load16(e2m1_doubled);
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += MXFP4_BYTES) {
    bytes16 codes = load16(blocks + 1);
    bytes16 low = lookup16(doubled, codes & 15), high = lookup16(doubled, codes >> 4);
    float unit = e2m1_unit(blocks[0]);
    store_floats(out + i, signed_floats(low) * unit);
    store_floats(out + i + 16, signed_floats(high) * unit);
  }
}

#endif
