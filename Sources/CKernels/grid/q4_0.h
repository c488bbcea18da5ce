/// Q4_0 from the FP4 grid: the step of least squared error among all that F16 holds.
///
/// In units a block has seven magnitudes, so that between two neighbouring midpoints v/(k + ½) the
/// codes of all values stay the same, and the error is a parabola in the step. There are 26 such
/// pieces from 1 to 24/7 units, both signs together: below 1 no error is smaller than under 1, and
/// half of a step above 24/7 has all its values. Each piece's best F16 is the one nearest to the
/// vertex of its parabola.
#ifndef QUERN_GRID_Q4_0_H
#define QUERN_GRID_Q4_0_H

#include "histogram.h"

/// Sizes of the codes in each piece; pieces from 18 on are those of negative steps that differ from
/// positive ones. The lanes beyond 26 stay zero and never win.
enum { Q4_0_CLASSES = 9, Q4_0_PIECES = 26, Q4_0_NEGATIVE = 18, Q4_0_LANES = 32 };
static const int8_t q4_0_class_values[Q4_0_CLASSES] = {1, 2, 3, 4, 6, 8, 8, 12, 12};
static const float q4_0_piece_codes[Q4_0_CLASSES][Q4_0_LANES] = {
  {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1},  // ±1
  {2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 1, 1},  // ±2
  {3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 2, 2, 2, 2},  // ±3
  {4, 4, 4, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 4, 4, 4, 3, 3, 3, 3, 3},  // ±4
  {6, 6, 5, 5, 5, 5, 4, 4, 4, 3, 3, 3, 3, 3, 3, 2, 2, 2, 6, 6, 5, 5, 5, 5, 4, 4},  // ±6
  {7, 7, 7, 7, 7, 6, 6, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3, 2, 8, 7, 7, 7, 7, 6, 6, 5},  // 8
  {8, 7, 7, 7, 7, 6, 6, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3, 2, 7, 7, 7, 7, 7, 6, 6, 5},  // −8
  {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 5, 5, 5, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8},  // 12
  {8, 8, 8, 8, 8, 8, 8, 8, 7, 7, 7, 6, 6, 5, 5, 5, 4, 4, 7, 7, 7, 7, 7, 7, 7, 7},  // −12
};

/// Scale bytes under which F16 holds every multiple of half a unit up to 24/7.
enum { Q4_0_FIRST_BYTE = 105, Q4_0_LAST_BYTE = 142 };

/// The step, in units, under which all codes that occur are exact; 0 where there is none.
static inline int q4_0_exact_step(uint32_t present) {
  enum { PLUS_8 = 1 << 6, MINUS_8 = 1 << 14, TWELVES = 1 << 7 | 1 << 15 };
  enum { ODD = 0x0a0a, NO_THREES = 0x5656 };
  if ((present & (PLUS_8 | TWELVES)) == 0) return 1;
  if ((present & (MINUS_8 | TWELVES)) == 0) return -1;
  if ((present & ODD) == 0) return 2;
  return (present & NO_THREES) == 0 ? 3 : 0;
}

/// What the sizes of steps may be, in units. `coarseness` makes additions round to F16's subnormal
/// step.
typedef struct step_limits {
  float positive_lowest, negative_lowest, highest, coarseness;
} step_limits;

/// Without weights no error may exceed 1½ units. Steps above 3 have larger ones; below 1½ the 12
/// that meets code 7 has one, and below 21/16 so does the 12 that meets code −8. (Where F16 has no
/// sixteenths of a unit, 1½ serves both.)
static inline step_limits q4_0_limits(uint32_t present, uint8_t e, bool weighted) {
  float coarseness = e < 114 ? 1.5f * 0x1p23f * float_of((uint32_t)(231 - e) << 23) : 0;
  step_limits limits = {1, 1, 3, coarseness};
  bool plus = present & 1 << 7, minus = present & 1 << 15;
  float at_eight = e < 108 ? 1.5f : 1.3125f;
  if (weighted) return (step_limits){1, 1, 24 / 7.0f, coarseness};
  if (plus || minus) {
    limits.positive_lowest = plus ? 1.5f : at_eight;
    limits.negative_lowest = minus ? 1.5f : at_eight;
  }
  return limits;
}

/// The nearest step in the limits that F16 holds.
static inline float stored_step(float step, float lowest, step_limits limits) {
  step = step < lowest ? lowest : step > limits.highest ? limits.highest : step;
  step = (step + limits.coarseness) - limits.coarseness;
  uint32_t bits = bits_of(step);
  return float_of((bits + 0xfff + (bits >> 13 & 1)) & ~0x1fffu);
}

/// Σ w·v·q and Σ w·q² of each piece, from the sums of weights of each code.
static inline void q4_0_products(const float sums[16], float a[Q4_0_LANES], float b[Q4_0_LANES]) {
  float classes[Q4_0_CLASSES] = {
    sums[1] + sums[9], sums[2] + sums[10], sums[3] + sums[11], sums[4] + sums[12],
    sums[5] + sums[13], sums[6], sums[14], sums[7], sums[15]};
  for (int j = 0; j < Q4_0_LANES; j++) a[j] = b[j] = 0;
  for (int c = 0; c < Q4_0_CLASSES; c++) {
    float weighted = classes[c] * q4_0_class_values[c];
    for (int j = 0; j < Q4_0_LANES; j++) {
      float code = q4_0_piece_codes[c][j];
      a[j] += weighted * code;
      b[j] += classes[c] * (code * code);
    }
  }
}

/// The step of least error, in units, with its sign. With the products a and b of a piece, step d
/// saves d·(2a − d·b) of the signal.
static inline float q4_0_best_step(const float sums[16], step_limits limits) {
  float a[Q4_0_LANES], b[Q4_0_LANES], steps[Q4_0_LANES], saved[Q4_0_LANES];
  q4_0_products(sums, a, b);
  for (int j = 0; j < Q4_0_LANES; j++) {
    float lowest = j < Q4_0_NEGATIVE ? limits.positive_lowest : limits.negative_lowest;
    steps[j] = stored_step(a[j] / (b[j] < 1e-30f ? 1e-30f : b[j]), lowest, limits);
    saved[j] = steps[j] * (2 * a[j] - steps[j] * b[j]);
  }
  int best = 0;
  for (int j = 1; j < Q4_0_PIECES; j++)
    if (saved[j] > saved[best]) best = j;
  return best < Q4_0_NEGATIVE ? steps[best] : -steps[best];
}

/// The code (0…15, meaning −8…7) of each FP4 code: the nearest, to even on ties, saturated.
static inline void q4_0_codes_under(float step, uint8_t codes[16]) {
  for (int code = 0; code < 16; code++) {
    // Adding and subtracting 1.5 · 2^23 rounds to an integer.
    float nearest = ((float)e2m1_doubled[code] / step + 0x1.8p23f) - 0x1.8p23f;
    codes[code] = (uint8_t)(8 + (int)(nearest < -8 ? -8 : nearest > 7 ? 7 : nearest));
  }
}

#endif
