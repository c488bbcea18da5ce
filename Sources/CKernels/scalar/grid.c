#pragma STDC FP_CONTRACT OFF

#include "grid.h"

#include "../numbers.h"
#include "scalar.h"

/// Element k of a released FP4 block: byte j holds element 2j low and 2j + 1 high.
static uint8_t packed_code(const uint8_t *packed, int k) {
  return (k & 1) ? packed[k / 2] >> 4 : packed[k / 2] & 15;
}

void quern_scalar_mxfp4_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks,
                                  size_t count) {
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

static bool all_zero(const uint8_t *packed) {
  for (int j = 0; j < PACKED_BYTES; j++)
    if (packed[j] & 0x77) return false;
  return true;
}

/// F16 holds the powers of two from 2^-24 to 2^15; the nearest of them to the unit serves.
static void q8_0_block_from_e2m1(const uint8_t *packed, uint8_t e, uint8_t *block) {
  int unit_exponent = e - 128;
  int exponent = unit_exponent < -24 ? -24 : unit_exponent > 15 ? 15 : unit_exponent;
  int8_t codes[BLOCK_ELEMENTS];
  if (all_zero(packed)) {
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

void quern_scalar_q8_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks,
                                 size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS) {
    q8_0_block_from_e2m1(packed, *e8m0++, blocks);
    packed += PACKED_BYTES;
    blocks += Q8_0_BYTES;
  }
}

/// The step with the smallest squared error, the first of equals.
static int best_lattice_step(const uint8_t *packed) {
  int histogram[16] = {0};
  for (int k = 0; k < BLOCK_ELEMENTS; k++) histogram[packed_code(packed, k)]++;
  int best = 0, smallest = INT32_MAX;
  for (int step = 0; step < LATTICE_STEPS; step++) {
    int error = 0;
    for (int code = 0; code < 16; code++) error += histogram[code] * lattice_errors[step][code];
    if (error < smallest) smallest = error, best = step;
  }
  return best;
}

/// A block of zeros is stored as `q4_0_from_f32` stores it; one whose best step is no F16 goes
/// there too.
static void q4_0_block_from_e2m1(const uint8_t *packed, uint8_t e, uint8_t *block) {
  int step = best_lattice_step(packed);
  float d = e2m1_unit(e) * ((float)lattice_halves[step] * 0.5f);
  uint16_t half = f16_of_f32(d);
  if (all_zero(packed) || f32_of_f16(half) != d) {
    float values[BLOCK_ELEMENTS];
    quern_scalar_f32_from_e2m1(packed, &e, values, BLOCK_ELEMENTS);
    quern_scalar_q4_0_from_f32(values, block, BLOCK_ELEMENTS);
    return;
  }
  store_u16(block, half);
  for (int k = 0; k < 16; k++) {
    uint8_t low = lattice_codes[step][packed_code(packed, k)];
    uint8_t high = lattice_codes[step][packed_code(packed, k + 16)];
    block[2 + k] = (uint8_t)(low | high << 4);
  }
}

void quern_scalar_q4_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks,
                                 size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS) {
    q4_0_block_from_e2m1(packed, *e8m0++, blocks);
    packed += PACKED_BYTES;
    blocks += Q4_0_BYTES;
  }
}
