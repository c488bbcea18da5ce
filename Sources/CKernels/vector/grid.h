/// Encoders from the FP4 grid. See `scalar/grid.c` for what they compute.
#ifndef QUERN_VECTOR_GRID_H
#define QUERN_VECTOR_GRID_H

#include "../numbers.h"
#include "../scalar/grid.h"
#include "../scalar/scalar.h"
#include "lanes16.h"

static void mxfp4_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks,
                            size_t count) {
  for (; count > 0; count -= BLOCK_ELEMENTS, packed += PACKED_BYTES, blocks += MXFP4_BYTES) {
    grid_codes codes = load_grid_codes(packed);
    bytes16 both = codes.low | codes.high << 4;
    blocks[0] = *e8m0++;
    memcpy(blocks + 1, &both, 16);
  }
}

/// The F16 of 2^(e − 128) for 104 ≤ e ≤ 143.
static inline uint16_t f16_unit(int e) {
  return (uint16_t)(e >= 114 ? (e - 113) << 10 : 1 << (e - 104));
}

static void q8_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks,
                           size_t count) {
  bytes16 doubled = load16(e2m1_doubled);
  for (; count > 0; count -= BLOCK_ELEMENTS, packed += PACKED_BYTES, blocks += Q8_0_BYTES) {
    uint8_t e = *e8m0++;
    if (e < 104 || e > 143 || is_zero16(load16(packed) & 0x77)) {
      quern_scalar_q8_0_from_e2m1(packed, &e, blocks, BLOCK_ELEMENTS);
      continue;
    }
    grid_codes codes = load_grid_codes(packed);
    bytes16 low = lookup16(doubled, codes.low), high = lookup16(doubled, codes.high);
    store_u16(blocks, f16_unit(e));
    memcpy(blocks + 2, &low, 16);
    memcpy(blocks + 18, &high, 16);
  }
}

/// The steps that can be the first of least error. The errors under −2, −3 and ±4 are for no code
/// below those under 2 or 3, which come earlier.
enum { COMPETING_STEPS = 6 };
static const uint8_t competing_steps[COMPETING_STEPS] = {0, 1, 2, 3, 4, 6};

static inline int best_step(grid_codes codes) {
  uint32_t best = UINT32_MAX;
  for (int i = 0; i < COMPETING_STEPS; i++) {
    uint32_t step = competing_steps[i];
    bytes16 errors = load16(lattice_errors[step]);
    // One error is at most 100: two fit a byte.
    pair sums = sums_of_halves(lookup16(errors, codes.low) + lookup16(errors, codes.high));
    uint32_t candidate = (uint32_t)(sums[0] + sums[1]) << 4 | step;
    best = candidate < best ? candidate : best;
  }
  return (int)(best & 15);
}

static void q4_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks,
                           size_t count) {
  for (; count > 0; count -= BLOCK_ELEMENTS, packed += PACKED_BYTES, blocks += Q4_0_BYTES) {
    uint8_t e = *e8m0++;
    grid_codes codes = load_grid_codes(packed);
    int step = best_step(codes);
    float d = e2m1_unit(e) * ((float)lattice_halves[step] * 0.5f);
    _Float16 half = (_Float16)d;
    if ((float)half != d || is_zero16(load16(packed) & 0x77)) {
      quern_scalar_q4_0_from_e2m1(packed, &e, blocks, BLOCK_ELEMENTS);
      continue;
    }
    bytes16 chosen = load16(lattice_codes[step]);
    bytes16 both = lookup16(chosen, codes.low) | lookup16(chosen, codes.high) << 4;
    memcpy(blocks, &half, 2);
    memcpy(blocks + 2, &both, 16);
  }
}

#endif
