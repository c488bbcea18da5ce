/// Encoders from the FP4 grid. See `scalar/grid.c` for what they compute.
#ifndef QUERN_VECTOR_GRID_H
#define QUERN_VECTOR_GRID_H

#include "../grid/q4_0.h"
#include "../scalar/scalar.h"
#include "lanes16.h"

static void mxfp4_from_e2m1(const uint8_t *packed, const uint8_t *e8m0,
                           const float *weights, uint8_t *blocks, size_t count) {
  (void)weights;
  for (; count > 0; count -= BLOCK_ELEMENTS, packed += PACKED_BYTES, blocks += MXFP4_BYTES) {
    grid_codes codes = load_grid_codes(packed);
    bytes16 both = codes.low | codes.high << 4;
    blocks[0] = *e8m0++;
    memcpy(blocks + 1, &both, 16);
  }
}

/// The F16 of 2^(e − 128) for 104 ≤ e ≤ 143.
static inline uint16_t f16_unit(int e) { return f16_power(e - 128); }

static void q8_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0,
                           const float *weights, uint8_t *blocks, size_t count) {
  (void)weights;
  bytes16 doubled = load16(e2m1_doubled);
  for (; count > 0; count -= BLOCK_ELEMENTS, packed += PACKED_BYTES, blocks += Q8_0_BYTES) {
    uint8_t e = *e8m0++;
    if (e < 104 || e > 143 || is_zero16(load16(packed) & 0x77)) {
      quern_scalar_q8_0_from_e2m1(packed, &e, NULL, blocks, BLOCK_ELEMENTS);
      continue;
    }
    grid_codes codes = load_grid_codes(packed);
    bytes16 low = lookup16(doubled, codes.low), high = lookup16(doubled, codes.high);
    store_u16(blocks, f16_unit(e));
    memcpy(blocks + 2, &low, 16);
    memcpy(blocks + 18, &high, 16);
  }
}

/// How often each code occurs. A byte holds two counts of up to two, sums of sixteen do not mix.
static inline void count_codes(grid_codes codes, float counts[16]) {
  for (int code = 1; code < 8; code++) {
    bytes16 table = {0};
    table[code] = 1;
    table[code + 8] = 64;
    pair sums = sums_of_halves(lookup16(table, codes.low) + lookup16(table, codes.high));
    uint32_t both = (uint32_t)(sums[0] + sums[1]);
    counts[code] = (float)(both & 63);
    counts[code + 8] = (float)(both >> 6);
  }
}

/// A bit for each code but the zeros.
static inline uint32_t codes_in(grid_codes codes) {
  const bytes16 low_bits = {0, 2, 4, 8, 16, 32, 64, 128};
  const bytes16 high_bits = {0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128};
  bytes16 low = lookup16(low_bits, codes.low) | lookup16(low_bits, codes.high);
  bytes16 high = lookup16(high_bits, codes.low) | lookup16(high_bits, codes.high);
  uint64_t parts[4];
  memcpy(parts, &low, 16);
  memcpy(parts + 2, &high, 16);
  uint64_t both[2] = {parts[0] | parts[1], parts[2] | parts[3]};
  for (int fold = 32; fold >= 8; fold /= 2)
    for (int half = 0; half < 2; half++) both[half] |= both[half] >> fold;
  return (uint32_t)(both[0] & 255) | (uint32_t)(both[1] & 255) << 8;
}

static inline float q4_0_step_of(const uint8_t *packed, grid_codes codes, uint8_t e,
                                 const float *weights) {
  uint32_t present = codes_in(codes);
  int exact = q4_0_exact_step(present);
  if (exact != 0) return (float)exact;
  float sums[16];
  if (weights)
    weigh_codes(packed, weights, sums);
  else
    count_codes(codes, sums);
  return q4_0_best_step(sums, q4_0_limits(present, e, weights != NULL));
}

static void q4_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                           uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS) {
    uint8_t e = *e8m0++, table[16];
    grid_codes codes = load_grid_codes(packed);
    const float *own = weights ? weights + i : NULL;
    if (e < Q4_0_FIRST_BYTE || e > Q4_0_LAST_BYTE || is_zero16(load16(packed) & 0x77)) {
      quern_scalar_q4_0_from_e2m1(packed, &e, own, blocks, BLOCK_ELEMENTS);
    } else {
      float step = q4_0_step_of(packed, codes, e, own);
      _Float16 half = (_Float16)(e2m1_unit(e) * step);
      q4_0_codes_under(step, table);
      bytes16 chosen = load16(table);
      bytes16 both = lookup16(chosen, codes.low) | lookup16(chosen, codes.high) << 4;
      memcpy(blocks, &half, 2);
      memcpy(blocks + 2, &both, 16);
    }
    packed += PACKED_BYTES;
    blocks += Q4_0_BYTES;
  }
}

#endif
