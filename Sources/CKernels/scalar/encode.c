#pragma STDC FP_CONTRACT OFF

#include <math.h>

#include "../numbers.h"
#include "extremes.h"
#include "scalar.h"

void quern_scalar_bf16_from_f32(const float *source, void *out, size_t count) {
  uint8_t *bytes = out;
  for (size_t i = 0; i < count; i++) store_u16(bytes + 2 * i, bf16_of_f32(source[i]));
}

void quern_scalar_f16_from_f32(const float *source, void *out, size_t count) {
  uint8_t *bytes = out;
  for (size_t i = 0; i < count; i++) store_u16(bytes + 2 * i, f16_of_f32(source[i]));
}

/// d = largest magnitude ÷ 127; codes rounded half away from zero. A block whose 1/d overflows
/// (largest below about 3.7e-37) is stored as zeros: the format's reference leaves it undefined.
static void encode_q8_0_block(const float *values, uint8_t *block) {
  float d = fabsf(signed_maximum(values, BLOCK_ELEMENTS)) / 127.0f;
  float inverse = d == 0 ? 0 : 1.0f / d;
  if (isinf(inverse)) d = inverse = 0;
  store_u16(block, f16_of_f32(d));
  for (int i = 0; i < BLOCK_ELEMENTS; i++) block[2 + i] = (uint8_t)(int)roundf(values[i] * inverse);
}

void quern_scalar_q8_0_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q8_0_BYTES)
    encode_q8_0_block(source + i, blocks);
}

static uint8_t q4_0_code(float value, float inverse) {
  int code = (int)(value * inverse + 8.5f);
  return (uint8_t)(code < 15 ? code : 15);
}

/// d = signed maximum ÷ −8. A zero block has d = −0 and codes 8, as the format's reference writes
/// it; so has one whose 1/d overflows.
static void encode_q4_0_block(const float *values, uint8_t *block) {
  float d = signed_maximum(values, BLOCK_ELEMENTS) / -8.0f;
  float inverse = d == 0 ? 0 : 1.0f / d;
  if (isinf(inverse)) d = -0.0f, inverse = 0;
  store_u16(block, f16_of_f32(d));
  for (int k = 0; k < 16; k++) {
    uint8_t low = q4_0_code(values[k], inverse), high = q4_0_code(values[k + 16], inverse);
    block[2 + k] = (uint8_t)(low | high << 4);
  }
}

void quern_scalar_q4_0_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q4_0_BYTES)
    encode_q4_0_block(source + i, blocks);
}

/// e = ⌊log2f(largest magnitude)⌋ − 2 + 127. A block for which that is negative is stored as zeros.
static void encode_mxfp4_block(const float *values, uint8_t *block) {
  int e = floor_log2_rounded(fabsf(signed_maximum(values, BLOCK_ELEMENTS))) - 2 + 127;
  memset(block, 0, MXFP4_BYTES);
  if (e < 0) return;
  float unit = e2m1_unit((uint8_t)e);
  block[0] = (uint8_t)e;
  for (int k = 0; k < 16; k++) {
    uint8_t low = nearest_e2m1(values[k], unit), high = nearest_e2m1(values[k + 16], unit);
    block[1 + k] = (uint8_t)(low | high << 4);
  }
}

void quern_scalar_mxfp4_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += MXFP4_BYTES)
    encode_mxfp4_block(source + i, blocks);
}
