#pragma STDC FP_CONTRACT OFF

#include "../grid/values.h"

/// Q5_0 and Q5_1 hold −16…15 times a power of two. The minimum of Q5_1 is −16 steps. A block of
/// zeros has d = −0 in Q5_0, as its reference writes it, and zeros throughout in Q5_1.
static bool q5_block_from_e2m1(const uint8_t *packed, uint8_t e, bool has_minimum, uint8_t *block) {
  uint8_t codes[BLOCK_ELEMENTS], *bits = block + (has_minimum ? 4 : 2);
  grid_run run = grid_run_of(packed, BLOCK_ELEMENTS, e, 15);
  int base, exponent, highest = has_minimum ? F16_HIGHEST - 4 : F16_HIGHEST;
  if (run.zero) {
    memset(codes, has_minimum ? 0 : 16, sizeof codes);
    memset(block, 0, 4);
    if (!has_minimum) store_u16(block, 0x8000);
    store_five_bits(codes, bits);
    return true;
  }
  if (!align_runs(&run, 1, 0, F16_LOWEST, highest, &base, &exponent)) return false;
  for (int k = 0; k < BLOCK_ELEMENTS; k++)
    codes[k] = (uint8_t)(16 + shifted_code(packed_code(packed, k), run.unit - exponent));
  store_u16(block, f16_power(exponent));
  if (has_minimum) store_u16(block + 2, f16_power(exponent + 4) | 0x8000);
  store_five_bits(codes, bits);
  return true;
}

void quern_scalar_q5_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count) {
  for (size_t b = 0; b < count / BLOCK_ELEMENTS; b++) {
    const uint8_t *codes = packed + PACKED_BYTES * b;
    const float *own = weights ? weights + BLOCK_ELEMENTS * b : NULL;
    if (!q5_block_from_e2m1(codes, e8m0[b], false, blocks + Q5_0_BYTES * b))
      block_from_values(&quern_scalar_kernels.q5_0, codes, e8m0 + b, own, blocks + Q5_0_BYTES * b,
                        BLOCK_ELEMENTS);
  }
}

void quern_scalar_q5_1_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count) {
  for (size_t b = 0; b < count / BLOCK_ELEMENTS; b++) {
    const uint8_t *codes = packed + PACKED_BYTES * b;
    const float *own = weights ? weights + BLOCK_ELEMENTS * b : NULL;
    if (!q5_block_from_e2m1(codes, e8m0[b], true, blocks + Q5_1_BYTES * b))
      block_from_values(&quern_scalar_kernels.q5_1, codes, e8m0 + b, own, blocks + Q5_1_BYTES * b,
                        BLOCK_ELEMENTS);
  }
}

/// The scale byte 2^exponent of NVFP4, from −9 to 8.
static uint8_t nvfp4_power(int exponent) {
  return (uint8_t)(exponent >= -6 ? (exponent + 7) << 3 : 1 << (exponent + 9));
}

/// The FP4 code of a doubled value, or −1.
static int e2m1_code_of(int doubled) {
  int size = doubled < 0 ? -doubled : doubled;
  for (int code = 0; code < 8; code++)
    if (e2m1_doubled[code] == size) return doubled < 0 ? code + 8 : code;
  return -1;
}

/// The codes of sixteen elements under a unit 2^shift times finer. With a shift of 0 they stay as
/// they are, −0 included.
static bool nvfp4_codes(const uint8_t *packed, int shift, uint8_t codes[16]) {
  for (int k = 0; k < 16; k++) {
    uint8_t source = packed_code(packed, k);
    int doubled = e2m1_doubled[source];
    if (shift == 0 || doubled == 0) {
      codes[k] = source;
      continue;
    }
    if (shift < -3 || shift > 3) return false;
    int moved = shift > 0 ? doubled * (1 << shift) : doubled / (1 << -shift);
    int code = e2m1_code_of(moved);
    if (code < 0 || (shift < 0 && moved * (1 << -shift) != doubled)) return false;
    codes[k] = (uint8_t)code;
  }
  return true;
}

/// NVFP4's scales are twice the unit: powers of two from 2^-9 to 2^8 that E4M3 has. A group of zeros
/// whose unit is none of them has the scale 0.
static bool nvfp4_group_from_e2m1(const uint8_t *packed, uint8_t e, uint8_t *scale,
                                  uint8_t *bytes) {
  uint8_t codes[16];
  int exponent = clamped(e - 127, -9, 8);
  if (!nvfp4_codes(packed, e - 127 - exponent, codes)) return false;
  bool is_nothing = e - 127 != exponent && all_zero(packed, 8);
  *scale = is_nothing ? 0 : nvfp4_power(exponent);
  for (int j = 0; j < 8; j++) bytes[j] = (uint8_t)(codes[j] | codes[j + 8] << 4);
  return true;
}

void quern_scalar_nvfp4_from_e2m1(const uint8_t *packed, const uint8_t *e8m0,
                                  const float *weights, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += NVFP4_ELEMENTS) {
    bool exact = true;
    for (int g = 0; g < 4; g++)
      exact = exact
              && nvfp4_group_from_e2m1(packed + 8 * g, e8m0[g / 2], blocks + g, blocks + 4 + 8 * g);
    if (!exact)
      block_from_values(&quern_scalar_kernels.nvfp4, packed, e8m0, weights ? weights + i : NULL,
                        blocks, NVFP4_ELEMENTS);
    packed += NVFP4_ELEMENTS / 2;
    e8m0 += 2;
    blocks += NVFP4_BYTES;
  }
}

/// Stores −16…15 as 0…31: bit r of byte 16 + l is the fifth of element l of run r.
static void store_q5_k_run(const uint8_t *packed, int shift, int r, uint8_t *block) {
  for (int l = 0; l < BLOCK_ELEMENTS; l++) {
    int code = 16 + shifted_code(packed_code(packed, l), shift);
    block[16 + l] |= (uint8_t)(code >> 4 << r);
    block[48 + r / 2 * 32 + l] |= (uint8_t)((code & 15) << r % 2 * 4);
  }
}

/// Scales and minima are the same powers of two from 1 to 32, d the smallest unit, dmin 16 times it:
/// six bits hold spreads of up to five.
static bool q5_k_block_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, uint8_t *block) {
  enum { RUNS = 8, SPREAD = 5 };
  grid_run runs[RUNS];
  int base, exponents[RUNS];
  memset(block, 0, Q5_K_BYTES);
  if (all_zero(packed, SUPER_ELEMENTS / 2)) return true;
  for (int r = 0; r < RUNS; r++)
    runs[r] = grid_run_of(packed + PACKED_BYTES * r, BLOCK_ELEMENTS, e8m0[r], 15);
  if (!align_runs(runs, RUNS, SPREAD, F16_LOWEST, F16_HIGHEST - 4, &base, exponents)) return false;
  store_u16(block, f16_power(base));
  store_u16(block + 2, f16_power(base + 4));
  for (int r = 0; r < RUNS; r++) {
    uint8_t scale = (uint8_t)(1 << (exponents[r] - base));
    store_six_bit_pair(block + 4, r, (six_bit_pair){scale, scale});
    store_q5_k_run(packed + PACKED_BYTES * r, runs[r].zero ? 0 : runs[r].unit - exponents[r], r,
                   block);
  }
  return true;
}

void quern_scalar_q5_k_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS) {
    if (!q5_k_block_from_e2m1(packed, e8m0, blocks))
      block_from_values(&quern_scalar_kernels.q5_k, packed, e8m0, weights ? weights + i : NULL,
                        blocks, SUPER_ELEMENTS);
    packed += SUPER_ELEMENTS / 2;
    e8m0 += SUPER_ELEMENTS / BLOCK_ELEMENTS;
    blocks += Q5_K_BYTES;
  }
}

/// Stores −32…31 as 0…63 for the sixteen elements of a run.
static void store_q6_k_run(const uint8_t *packed, int shift, bool negated, int r, uint8_t *block) {
  for (int l = 0; l < 16; l++) {
    int size = shifted_code(packed_code(packed, l), shift);
    int code = 32 + (negated ? -size : size);
    int element = 16 * r + l, half = element / 128, quarter = element % 128 / 32;
    int place = element % 32;
    block[64 * half + 32 * (quarter % 2) + place] |= (uint8_t)((code & 15) << quarter / 2 * 4);
    block[128 + 32 * half + place] |= (uint8_t)(code >> 4 << 2 * quarter);
  }
}

/// Scales are powers of two from 1 to 64, or −128 with the codes' signs changed; d is the smallest
/// unit. Doubled codes reach 24 of 31.
static bool q6_k_block_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, uint8_t *block) {
  enum { RUNS = 16, SPREAD = 7 };
  grid_run runs[RUNS];
  int base, exponents[RUNS];
  memset(block, 0, Q6_K_BYTES);
  if (all_zero(packed, SUPER_ELEMENTS / 2)) return true;
  for (int r = 0; r < RUNS; r++) runs[r] = grid_run_of(packed + 8 * r, 16, e8m0[r / 2], 31);
  if (!align_runs(runs, RUNS, SPREAD, F16_LOWEST, F16_HIGHEST, &base, exponents)) return false;
  store_u16(block + 208, f16_power(base));
  for (int r = 0; r < RUNS; r++) {
    bool negated = exponents[r] - base == SPREAD;
    // Two's complement has −128 where +128 would be.
    block[192 + r] = (uint8_t)(1 << (exponents[r] - base));
    store_q6_k_run(packed + 8 * r, runs[r].zero ? 0 : runs[r].unit - exponents[r], negated, r,
                   block);
  }
  return true;
}

void quern_scalar_q6_k_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS) {
    if (!q6_k_block_from_e2m1(packed, e8m0, blocks))
      block_from_values(&quern_scalar_kernels.q6_k, packed, e8m0, weights ? weights + i : NULL,
                        blocks, SUPER_ELEMENTS);
    packed += SUPER_ELEMENTS / 2;
    e8m0 += SUPER_ELEMENTS / BLOCK_ELEMENTS;
    blocks += Q6_K_BYTES;
  }
}
