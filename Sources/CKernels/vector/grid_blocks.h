/// Exact encoders from the FP4 grid. See `scalar/grid_blocks.c` for what they compute: these take
/// the blocks whose units are the scales, and leave all others to the definition.
#ifndef QUERN_VECTOR_GRID_BLOCKS_H
#define QUERN_VECTOR_GRID_BLOCKS_H

#include "../grid/runs.h"
#include "../scalar/scalar.h"
#include "grid.h"
#include "lanes16.h"

/// The fifth bits of −16…15 stored as 0…31: set where the value is not negative.
static inline uint16_t non_negative_bits(signed_bytes16 values) {
  const bytes16 places = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  pair sums = sums_of_halves((bytes16)(values >= 0) & places);
  return (uint16_t)(sums[0] | sums[1] << 8);
}

/// The fifth bits and the codes of Q5_0 and Q5_1.
static inline void store_codes_of_five(const uint8_t *packed, uint8_t *bytes) {
  grid_codes codes = load_grid_codes(packed);
  bytes16 doubled = load16(e2m1_doubled);
  bytes16 low = lookup16(doubled, codes.low), high = lookup16(doubled, codes.high);
  bytes16 both = (low & 15) | high << 4;
  store_u16(bytes, non_negative_bits((signed_bytes16)low));
  store_u16(bytes + 2, non_negative_bits((signed_bytes16)high));
  memcpy(bytes + 4, &both, 16);
}

static void q5_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                           uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS) {
    uint8_t e = *e8m0;
    if (e < 104 || e > 143 || is_zero16(load16(packed) & 0x77)) {
      quern_scalar_q5_0_from_e2m1(packed, e8m0, weights ? weights + i : NULL, blocks,
                                  BLOCK_ELEMENTS);
    } else {
      store_u16(blocks, f16_unit(e));
      store_codes_of_five(packed, blocks + 2);
    }
    packed += PACKED_BYTES;
    blocks += Q5_0_BYTES;
    e8m0++;
  }
}

static void q5_1_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                           uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS) {
    uint8_t e = *e8m0;
    if (e < 104 || e > 139 || is_zero16(load16(packed) & 0x77)) {
      quern_scalar_q5_1_from_e2m1(packed, e8m0, weights ? weights + i : NULL, blocks,
                                  BLOCK_ELEMENTS);
    } else {
      store_u16(blocks, f16_unit(e));
      store_u16(blocks + 2, f16_unit(e + 4) | 0x8000);
      store_codes_of_five(packed, blocks + 4);
    }
    packed += PACKED_BYTES;
    blocks += Q5_1_BYTES;
    e8m0++;
  }
}

/// The scale byte of NVFP4 for the unit 2^(e − 128), for 118 ≤ e ≤ 135.
static inline uint8_t nvfp4_unit_byte(int e) {
  return (uint8_t)(e >= 121 ? (e - 120) << 3 : 1 << (e - 118));
}

static void nvfp4_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                            uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += NVFP4_ELEMENTS) {
    if (e8m0[0] < 118 || e8m0[0] > 135 || e8m0[1] < 118 || e8m0[1] > 135) {
      quern_scalar_nvfp4_from_e2m1(packed, e8m0, weights ? weights + i : NULL, blocks,
                                   NVFP4_ELEMENTS);
    } else {
      for (int half = 0; half < 2; half++) {
        grid_codes codes = load_grid_codes(packed + 16 * half);
        // Byte j of a group holds elements j and j + 8.
        pair low = (pair)codes.low, high = (pair)codes.high;
        pair both = {low[0] | low[1] << 4, high[0] | high[1] << 4};
        blocks[2 * half] = blocks[2 * half + 1] = nvfp4_unit_byte(e8m0[half]);
        memcpy(blocks + 4 + 16 * half, &both, 16);
      }
    }
    packed += NVFP4_ELEMENTS / 2;
    blocks += NVFP4_BYTES;
    e8m0 += 2;
  }
}

/// The smallest of eight scale bytes if they lie between `lowest` and `highest`, at most `spread`
/// apart, and no run of 32 is all zeros; otherwise −1.
static inline int common_unit(const uint8_t *packed, const uint8_t *e8m0, int lowest, int highest,
                              int spread) {
  int smallest = 255, largest = 0, zero = 0;
  for (int r = 0; r < 8; r++) {
    smallest = e8m0[r] < smallest ? e8m0[r] : smallest;
    largest = e8m0[r] > largest ? e8m0[r] : largest;
    zero |= is_zero16(load16(packed + PACKED_BYTES * r) & 0x77);
  }
  bool fits = smallest >= lowest && smallest <= highest && largest - smallest <= spread && !zero;
  return fits ? smallest : -1;
}

static inline void store_q5_k(const uint8_t *packed, const uint8_t *e8m0, int unit,
                              uint8_t *block) {
  bytes16 doubled = load16(e2m1_doubled), fifths[2] = {{0}, {0}};
  memset(block, 0, 16);
  store_u16(block, f16_unit(unit));
  store_u16(block + 2, f16_unit(unit + 4));
  for (int r = 0; r < 8; r += 2) {
    grid_codes even = load_grid_codes(packed + PACKED_BYTES * r);
    grid_codes odd = load_grid_codes(packed + PACKED_BYTES * (r + 1));
    bytes16 lower[2] = {lookup16(doubled, even.low), lookup16(doubled, even.high)};
    bytes16 upper[2] = {lookup16(doubled, odd.low), lookup16(doubled, odd.high)};
    for (int half = 0; half < 2; half++) {
      bytes16 both = (lower[half] & 15) | upper[half] << 4;
      fifths[half] |= (bytes16)((signed_bytes16)lower[half] >= 0) & (uint8_t)(1 << r);
      fifths[half] |= (bytes16)((signed_bytes16)upper[half] >= 0) & (uint8_t)(2 << r);
      memcpy(block + 48 + 16 * r + 16 * half, &both, 16);
    }
  }
  memcpy(block + 16, fifths, 32);
  for (int r = 0; r < 8; r++) {
    uint8_t scale = (uint8_t)(1 << (e8m0[r] - unit));
    store_six_bit_pair(block + 4, r, (six_bit_pair){scale, scale});
  }
}

static void q5_k_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                           uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS) {
    int unit = common_unit(packed, e8m0, 104, 139, 5);
    if (unit < 0)
      quern_scalar_q5_k_from_e2m1(packed, e8m0, weights ? weights + i : NULL, blocks,
                                  SUPER_ELEMENTS);
    else
      store_q5_k(packed, e8m0, unit, blocks);
    packed += SUPER_ELEMENTS / 2;
    e8m0 += 8;
    blocks += Q5_K_BYTES;
  }
}

/// Half of a Q6_K block: 128 elements, four runs of 32 whose two high bits share a byte.
static inline void store_q6_k_half(const uint8_t *packed, uint8_t *lower, uint8_t *upper) {
  bytes16 doubled = load16(e2m1_doubled), codes[4][2];
  for (int t = 0; t < 4; t++) {
    grid_codes source = load_grid_codes(packed + PACKED_BYTES * t);
    codes[t][0] = lookup16(doubled, source.low) + 32;
    codes[t][1] = lookup16(doubled, source.high) + 32;
  }
  for (int part = 0; part < 2; part++) {
    bytes16 first = (codes[0][part] & 15) | codes[2][part] << 4;
    bytes16 second = (codes[1][part] & 15) | codes[3][part] << 4;
    bytes16 high = codes[0][part] >> 4 | codes[1][part] >> 4 << 2 | codes[2][part] >> 4 << 4
                   | codes[3][part] >> 4 << 6;
    memcpy(lower + 16 * part, &first, 16);
    memcpy(lower + 32 + 16 * part, &second, 16);
    memcpy(upper + 16 * part, &high, 16);
  }
}

/// Whether one of the sixteen runs of 16 elements is all zeros.
static inline bool has_zero_half(const uint8_t *packed) {
  bool zero = false;
  for (int r = 0; r < 16; r++) {
    uint64_t half;
    memcpy(&half, packed + 8 * r, 8);
    zero |= (half & 0x7777777777777777) == 0;
  }
  return zero;
}

static void q6_k_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                           uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS) {
    int unit = common_unit(packed, e8m0, 104, 143, 6);
    if (unit < 0 || has_zero_half(packed)) {
      quern_scalar_q6_k_from_e2m1(packed, e8m0, weights ? weights + i : NULL, blocks,
                                  SUPER_ELEMENTS);
    } else {
      store_q6_k_half(packed, blocks, blocks + 128);
      store_q6_k_half(packed + 64, blocks + 64, blocks + 160);
      for (int r = 0; r < 16; r++) blocks[192 + r] = (uint8_t)(1 << (e8m0[r / 2] - unit));
      store_u16(blocks + 208, f16_unit(unit));
    }
    packed += SUPER_ELEMENTS / 2;
    e8m0 += 8;
    blocks += Q6_K_BYTES;
  }
}

#endif
