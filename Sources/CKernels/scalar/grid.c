#pragma STDC FP_CONTRACT OFF

#include "../grid/q4_0.h"
#include "scalar.h"

void quern_scalar_mxfp4_from_e2m1(const uint8_t *packed, const uint8_t *e8m0,
                                 const float *weights, uint8_t *blocks, size_t count) {
  (void)weights;
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS) {
    blocks[0] = *e8m0++;
    for (int k = 0; k < 16; k++)
      blocks[1 + k] = (uint8_t)(packed_code(packed, k) | packed_code(packed, k + 16) << 4);
    packed += PACKED_BYTES;
    blocks += MXFP4_BYTES;
  }
}

/// Finds the codes under the scale 2^exponent; false where one is no integer of eight bits.
/// `shift` is the exponent of the unit minus that of the scale.
static bool codes_under_shift(const uint8_t *packed, int shift, int8_t codes[BLOCK_ELEMENTS]) {
  for (int k = 0; k < BLOCK_ELEMENTS; k++) {
    int code = e2m1_doubled[packed_code(packed, k)];
    if (code == 0) {
      codes[k] = 0;
      continue;
    }
    if (shift > 7 || shift < -3) return false;
    int scaled = shift >= 0 ? code * (1 << shift) : code / (1 << -shift);
    bool whole = shift >= 0 || scaled * (1 << -shift) == code;
    if (!whole || scaled < -128 || scaled > 127) return false;
    codes[k] = (int8_t)scaled;
  }
  return true;
}

/// F16 holds the powers of two from 2^-24 to 2^15; the nearest of them to the unit serves.
static void q8_0_block_from_e2m1(const uint8_t *packed, uint8_t e, uint8_t *block) {
  int unit_exponent = e - 128;
  int exponent = unit_exponent < -24 ? -24 : unit_exponent > 15 ? 15 : unit_exponent;
  int8_t codes[BLOCK_ELEMENTS];
  if (all_zero(packed, PACKED_BYTES)) {
    memset(block, 0, Q8_0_BYTES);
  } else if (codes_under_shift(packed, unit_exponent - exponent, codes)) {
    store_u16(block, f16_of_f32(float_of((uint32_t)(exponent + 127) << 23)));
    memcpy(block + 2, codes, sizeof codes);
  } else {
    float values[BLOCK_ELEMENTS];
    quern_scalar_f32_from_e2m1(packed, &e, values, BLOCK_ELEMENTS);
    quern_scalar_q8_0_from_f32(values, block, BLOCK_ELEMENTS);
  }
}

void quern_scalar_q8_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0,
                                 const float *weights, uint8_t *blocks, size_t count) {
  (void)weights;
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS) {
    q8_0_block_from_e2m1(packed, *e8m0++, blocks);
    packed += PACKED_BYTES;
    blocks += Q8_0_BYTES;
  }
}

/// The block of the values, where the grid has no step that F16 holds.
static void q4_0_block_from_values(const uint8_t *packed, uint8_t e, const float *weights,
                                   uint8_t *block) {
  float values[BLOCK_ELEMENTS];
  const quern_block_kernels *q4_0 = &quern_scalar_kernels.q4_0;
  quern_scalar_f32_from_e2m1(packed, &e, values, BLOCK_ELEMENTS);
  if (q4_0->optimal && !all_zero(packed, PACKED_BYTES))
    q4_0->optimal(values, weights, block, BLOCK_ELEMENTS);
  else
    q4_0->reference(values, block, BLOCK_ELEMENTS);
}

/// The step of a block in units, with its sign; 0 where no F16 serves.
static float q4_0_step(const uint8_t *packed, uint8_t e, const float *weights) {
  uint32_t present = codes_present(packed);
  float sums[16], step = (float)q4_0_exact_step(present);
  if (present == 0) return 0;
  if (step == 0 && e >= Q4_0_FIRST_BYTE && e <= Q4_0_LAST_BYTE) {
    weigh_codes(packed, weights, sums);
    step = q4_0_best_step(sums, q4_0_limits(present, e, weights != NULL));
  }
  float d = e2m1_unit(e) * step;
  return f32_of_f16(f16_of_f32(d)) == d ? step : 0;
}

/// A block of zeros is stored as `q4_0_from_f32` stores it.
static void q4_0_block_from_e2m1(const uint8_t *packed, uint8_t e, const float *weights,
                                 uint8_t *block) {
  float step = q4_0_step(packed, e, weights);
  if (step == 0) {
    q4_0_block_from_values(packed, e, weights, block);
    return;
  }
  uint8_t codes[16];
  q4_0_codes_under(step, codes);
  store_u16(block, f16_of_f32(e2m1_unit(e) * step));
  for (int k = 0; k < 16; k++) {
    uint8_t low = codes[packed_code(packed, k)], high = codes[packed_code(packed, k + 16)];
    block[2 + k] = (uint8_t)(low | high << 4);
  }
}

void quern_scalar_q4_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0,
                                 const float *weights, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS) {
    q4_0_block_from_e2m1(packed, *e8m0++, weights ? weights + i : NULL, blocks);
    packed += PACKED_BYTES;
    blocks += Q4_0_BYTES;
  }
}
