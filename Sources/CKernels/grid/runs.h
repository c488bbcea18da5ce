/// Runs of the FP4 grid: their codes as integers, and the steps that hold them exactly.
#ifndef QUERN_GRID_RUNS_H
#define QUERN_GRID_RUNS_H

#include <stdbool.h>

#include "../numbers.h"

/// Exponents of the powers of two that F16 holds.
enum { F16_LOWEST = -24, F16_HIGHEST = 15 };

/// Element k of released FP4 codes: byte j holds element 2j low and 2j + 1 high.
static inline uint8_t packed_code(const uint8_t *packed, int k) {
  return (k & 1) ? packed[k / 2] >> 4 : packed[k / 2] & 15;
}

/// Codes that share a unit, and the steps 2^finest … 2^coarsest under which all of them are
/// integers of at most `top` in size. A run of zeros has no exponents of its own.
typedef struct grid_run {
  int unit, finest, coarsest;
  bool zero;
} grid_run;

/// value · 2^shift is at most `top`.
static inline bool fits_shifted(int value, int shift, int top) {
  return shift >= 0 ? value << shift <= top : value <= top << -shift;
}

/// The run of `elements` codes under the scale byte `e`; 12 ≤ 2·top and top ≤ 127.
static inline grid_run grid_run_of(const uint8_t *packed, int elements, uint8_t e, int top) {
  int largest = 0, together = 0;
  for (int k = 0; k < elements; k++) {
    int size = e2m1_doubled[packed_code(packed, k) & 7];
    largest = size > largest ? size : largest;
    together |= size;
  }
  grid_run run = {.unit = e - 128, .zero = largest == 0};
  if (run.zero) return run;
  int shift = -1;
  while (fits_shifted(largest, shift + 1, top)) shift++;
  run.finest = run.unit - shift;
  run.coarsest = run.unit + __builtin_ctz((unsigned)together);
  return run;
}

static inline int clamped(int value, int lowest, int highest) {
  return value < lowest ? lowest : value > highest ? highest : value;
}

/// Finds exponents for all runs between some `base` and base + spread, with lowest ≤ base ≤
/// highest, so that every run is exact. Where units allow it they are the exponents; runs of zeros
/// get the base. False where there are none, or all runs are zero.
static inline bool align_runs(const grid_run *runs, int count, int spread, int lowest, int highest,
                              int *base, int *exponents) {
  int smallest = INT32_MAX, largest = INT32_MIN, coarsest = INT32_MAX;
  for (int r = 0; r < count; r++) {
    if (runs[r].zero) continue;
    if (runs[r].unit < smallest) smallest = runs[r].unit;
    if (runs[r].unit > largest) largest = runs[r].unit;
    if (runs[r].coarsest < coarsest) coarsest = runs[r].coarsest;
  }
  if (coarsest == INT32_MAX) return false;
  // The coarsest base that every run allows is within reach of the most of them.
  *base = clamped(largest - smallest <= spread ? smallest : coarsest, lowest, highest);
  for (int r = 0; r < count; r++) {
    exponents[r] = runs[r].zero ? *base : clamped(runs[r].unit, *base, *base + spread);
    if (runs[r].zero) continue;
    if (exponents[r] < runs[r].finest || exponents[r] > runs[r].coarsest) return false;
  }
  return true;
}

/// A code as a multiple of 2^-shift, for a step that holds it.
static inline int shifted_code(uint8_t code, int shift) {
  int doubled = e2m1_doubled[code];
  return shift >= 0 ? doubled * (1 << shift) : doubled / (1 << -shift);
}

/// The F16 2^exponent, from −24 to 15.
static inline uint16_t f16_power(int exponent) {
  return (uint16_t)(exponent >= -14 ? (exponent + 15) << 10 : 1 << (exponent + 24));
}

/// Whether all codes are ±0.
static inline bool all_zero(const uint8_t *packed, int bytes) {
  int together = 0;
  for (int j = 0; j < bytes; j++) together |= packed[j] & 0x77;
  return together == 0;
}

/// Scale bytes of a block of 256: where the largest may lie and how far below it the smallest.
typedef struct unit_limits {
  int lowest, highest, spread;
} unit_limits;

/// Units of the eight runs of a block relative to the largest one, 0 for runs of zeros. False where
/// all are zeros or their scale bytes are beyond the limits.
static inline bool relative_units(const uint8_t *packed, const uint8_t *e8m0, unit_limits limits,
                                  float units[8], float *largest_unit) {
  int largest = -1, smallest = 256;
  bool zero[8];
  for (int r = 0; r < 8; r++) {
    zero[r] = all_zero(packed + PACKED_BYTES * r, PACKED_BYTES);
    if (zero[r]) continue;
    largest = e8m0[r] > largest ? e8m0[r] : largest;
    smallest = e8m0[r] < smallest ? e8m0[r] : smallest;
  }
  if (largest < limits.lowest || largest > limits.highest || largest - smallest > limits.spread)
    return false;
  *largest_unit = e2m1_unit((uint8_t)largest);
  for (int r = 0; r < 8; r++) units[r] = zero[r] ? 0 : e2m1_unit(e8m0[r]) / *largest_unit;
  return true;
}

/// Stores the pair of a run of 32 where `six_bit_pair_at` finds it. The bytes start as zeros.
static inline void store_six_bit_pair(uint8_t *packed, int run, six_bit_pair pair) {
  if (run < 4) {
    packed[run] |= pair.scale;
    packed[run + 4] |= pair.minimum;
    return;
  }
  packed[run + 4] |= (uint8_t)((pair.scale & 15) | pair.minimum << 4);
  packed[run - 4] |= (uint8_t)(pair.scale >> 4 << 6);
  packed[run] |= (uint8_t)(pair.minimum >> 4 << 6);
}

#endif
