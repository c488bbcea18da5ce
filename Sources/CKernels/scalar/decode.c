#pragma STDC FP_CONTRACT OFF

#include "../numbers.h"
#include "scalar.h"

void quern_scalar_f32_from_bf16(const void *source, float *out, size_t count) {
  const uint8_t *bytes = source;
  for (size_t i = 0; i < count; i++) out[i] = float_of((uint32_t)load_u16(bytes + 2 * i) << 16);
}

void quern_scalar_f32_from_f16(const void *source, float *out, size_t count) {
  const uint8_t *bytes = source;
  for (size_t i = 0; i < count; i++) out[i] = f32_of_f16(load_u16(bytes + 2 * i));
}

void quern_scalar_f32_from_fp8(const uint8_t *codes, const float *table, const float *scales,
                               size_t scale_block, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = table[codes[i]] * scales[i / scale_block];
}

/// The value of an FP4 code; the sign of code 8 is kept.
static float e2m1_value(uint8_t code, float unit) {
  float magnitude = (float)e2m1_doubled[code & 7] * unit;
  return code & 8 ? -magnitude : magnitude;
}

void quern_scalar_f32_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, float *out,
                                size_t count) {
  for (size_t i = 0; i < count; i += 2) {
    float unit = e2m1_unit(e8m0[i / BLOCK_ELEMENTS]);
    uint8_t byte = packed[i / 2];
    out[i] = e2m1_value(byte & 15, unit);
    out[i + 1] = e2m1_value(byte >> 4, unit);
  }
}

void quern_scalar_f32_from_q8_0(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q8_0_BYTES) {
    float d = f32_of_f16(load_u16(blocks));
    for (int k = 0; k < BLOCK_ELEMENTS; k++) out[i + k] = d * (float)(int8_t)blocks[2 + k];
  }
}

void quern_scalar_f32_from_q4_0(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q4_0_BYTES) {
    float d = f32_of_f16(load_u16(blocks));
    for (int k = 0; k < 16; k++) {
      out[i + k] = d * (float)((blocks[2 + k] & 15) - 8);
      out[i + k + 16] = d * (float)((blocks[2 + k] >> 4) - 8);
    }
  }
}

void quern_scalar_f32_from_mxfp4(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += MXFP4_BYTES) {
    float unit = e2m1_unit(blocks[0]);
    for (int k = 0; k < 16; k++) {
      out[i + k] = unit * (float)e2m1_doubled[blocks[1 + k] & 15];
      out[i + k + 16] = unit * (float)e2m1_doubled[blocks[1 + k] >> 4];
    }
  }
}
