#pragma STDC FP_CONTRACT OFF

#include <math.h>

#include "../numbers.h"
#include "extremes.h"
#include "scalar.h"

static int capped(float value, int most) {
  int code = (int)value;
  return code < most ? code : most;
}

/// What Q4_1 and Q5_1 have before their codes: `steps` times d is the distance of the extremes, m
/// is the smaller. Returns 1/d, and 0 where there are no codes to choose: d is 0, or too small for
/// 1/d, or infinite.
static float store_step_and_minimum(extremes found, float steps, uint8_t *block) {
  float d = (found.highest - found.lowest) / steps;
  float inverse = d == 0 ? 0 : 1.0f / d;
  if (isinf(inverse)) d = inverse = 0;
  store_u16(block, f16_of_f32(d));
  store_u16(block + 2, f16_of_f32(found.lowest));
  return inverse;
}

static void encode_q4_1_block(const float *values, uint8_t *block) {
  extremes found = extremes_of(values);
  float inverse = store_step_and_minimum(found, 15.0f, block);
  memset(block + 4, 0, 16);
  if (inverse == 0) return;
  for (int k = 0; k < 32; k++) {
    int code = capped((values[k] - found.lowest) * inverse + 0.5f, 15);
    block[4 + k % 16] |= (uint8_t)(code << (k < 16 ? 0 : 4));
  }
}

void quern_scalar_q4_1_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q4_1_BYTES)
    encode_q4_1_block(source + i, blocks);
}

static void encode_q5_1_block(const float *values, uint8_t *block) {
  extremes found = extremes_of(values);
  float inverse = store_step_and_minimum(found, 31.0f, block);
  uint8_t codes[BLOCK_ELEMENTS] = {0};
  for (int k = 0; k < 32 && inverse != 0; k++)
    codes[k] = (uint8_t)capped((values[k] - found.lowest) * inverse + 0.5f, 31);
  store_five_bits(codes, block + 4);
}

void quern_scalar_q5_1_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q5_1_BYTES)
    encode_q5_1_block(source + i, blocks);
}

/// d = signed maximum ÷ −16. A zero block has d = −0 and codes 16, as the format's reference
/// writes it; so has one whose 1/d overflows.
static void encode_q5_0_block(const float *values, uint8_t *block) {
  float d = signed_maximum(values, BLOCK_ELEMENTS) / -16.0f;
  float inverse = d == 0 ? 0 : 1.0f / d;
  if (isinf(inverse)) d = -0.0f, inverse = 0;
  store_u16(block, f16_of_f32(d));
  uint8_t codes[BLOCK_ELEMENTS];
  for (int k = 0; k < 32; k++) codes[k] = (uint8_t)capped(values[k] * inverse + 16.5f, 31);
  store_five_bits(codes, block + 2);
}

void quern_scalar_q5_0_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q5_0_BYTES)
    encode_q5_0_block(source + i, blocks);
}

/// The scale of a group of 16 is a sixth of its largest magnitude, the code the nearest of what
/// that scale, rounded, offers.
static void encode_nvfp4_group(const float *values, uint8_t *scale, uint8_t *codes) {
  *scale = nvfp4_scale(fabsf(signed_maximum(values, 16)) / 6.0f);
  float unit = nvfp4_unit(*scale);
  for (int k = 0; k < 8; k++)
    codes[k] = (uint8_t)(nearest_e2m1(values[k], unit) | nearest_e2m1(values[k + 8], unit) << 4);
}

void quern_scalar_nvfp4_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += NVFP4_ELEMENTS, blocks += NVFP4_BYTES)
    for (int group = 0; group < 4; group++)
      encode_nvfp4_group(source + i + 16 * group, blocks + group, blocks + 4 + 8 * group);
}
