#pragma STDC FP_CONTRACT OFF

#include "grid/runs.h"
#include "include/quern_kernels.h"

/// Finds one step 2^exponent for the runs of a group: the smallest unit where it holds all of them,
/// otherwise the coarsest that does.
static bool common_step(const uint8_t *packed, const uint8_t *e8m0, size_t runs, int top,
                        int *exponent) {
  int smallest = INT32_MAX, coarsest = INT32_MAX, finest = INT32_MIN;
  for (size_t r = 0; r < runs; r++) {
    grid_run run = grid_run_of(packed + PACKED_BYTES * r, BLOCK_ELEMENTS, e8m0[r], top);
    if (run.zero) continue;
    if (run.unit < smallest) smallest = run.unit;
    if (run.coarsest < coarsest) coarsest = run.coarsest;
    if (run.finest > finest) finest = run.finest;
  }
  *exponent = smallest == INT32_MAX ? 0 : finest <= smallest ? smallest : coarsest;
  return smallest == INT32_MAX || *exponent >= finest;
}

/// Stores the codes of 32 elements as multiples of 2^-shift.
static void store_integers(const uint8_t *packed, int shift, int8_t *codes) {
  int8_t table[16];
  for (uint8_t code = 0; code < 16; code++) table[code] = (int8_t)shifted_code(code, shift);
  for (int j = 0; j < PACKED_BYTES; j++) {
    codes[2 * j] = table[packed[j] & 15];
    codes[2 * j + 1] = table[packed[j] >> 4];
  }
}

size_t quern_integers_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, size_t group, int top,
                                int8_t *codes, int16_t *exponents, size_t count) {
  size_t runs = group / BLOCK_ELEMENTS;
  for (size_t g = 0; g < count / group; g++) {
    int exponent;
    if (!common_step(packed, e8m0, runs, top, &exponent)) return g;
    exponents[g] = (int16_t)exponent;
    for (size_t r = 0; r < runs; r++) {
      // A run of zeros may have any unit: it is not to be shifted by it.
      bool zero = all_zero(packed, PACKED_BYTES);
      store_integers(packed, zero ? 0 : *e8m0 - 128 - exponent, codes);
      packed += PACKED_BYTES;
      codes += BLOCK_ELEMENTS;
      e8m0++;
    }
  }
  return count / group;
}
