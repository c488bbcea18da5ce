/// Sums of squares of the FP4 grid: as integers where no addition rounds, else in order.
#ifndef QUERN_GRID_SQUARES_H
#define QUERN_GRID_SQUARES_H

#include "../numbers.h"
#include "compare.h"
#include "lanes16.h"
#include "parts.h"

/// Blocks whose squares are summed as integers, and how far apart their scale bytes may be. The
/// largest sum of a lane, 2 · 256 · 144 · 4^7, is below 2^32. No byte counts more than 128 zeros.
enum { RUN_BLOCKS = 64 * PARTS, RUN_SPREAD = 7 };

typedef uint16_t shorts16 __attribute__((vector_size(32)));

/// 4^exponent; within a float64's normal range here.
static inline double power_of_four(int exponent) {
  uint64_t bits = (uint64_t)(2 * exponent + 1023) << 52;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline bytes16 squares_of(bytes16 codes) {
  const bytes16 squares = {0, 1, 4, 9, 16, 36, 64, 144, 0, 1, 4, 9, 16, 36, 64, 144};
  return lookup16(squares, codes);
}

/// The squares of elements i and i + 16 together, for each lane i.
static inline uints16 lane_squares(grid_codes codes) {
  shorts16 low = __builtin_convertvector(squares_of(codes.low), shorts16);
  shorts16 high = __builtin_convertvector(squares_of(codes.high), shorts16);
  return __builtin_convertvector(low + high, uints16);
}

static inline double8 half_of(uints16 values, int half) {
  uint32_t eight __attribute__((vector_size(32)));
  memcpy(&eight, (uint32_t *)&values + 8 * half, sizeof eight);
  return __builtin_convertvector(eight, double8);
}

/// Adds `squares` · 4^exponent to the lanes if no addition rounds, in whatever order: lanes and
/// terms are multiples of 4^exponent, and the results less than 2^52 of them.
static inline bool add_exactly(uints16 squares, int exponent, double lanes[16]) {
  const double8 limit = (double8){0} + 0x1p52;
  double8 totals[2];
  int64_t exact = -1;
  for (int half = 0; half < 2; half++) {
    double8 counted;
    memcpy(&counted, lanes + 8 * half, sizeof counted);
    counted *= power_of_four(-exponent);
    totals[half] = counted + half_of(squares, half);
    // Beyond 2^52 there are no fractions: what comes back the same had none.
    long8 fits = (totals[half] < limit) & (counted + limit - limit == counted);
    for (int k = 0; k < 8; k++) exact &= fits[k];
    totals[half] *= power_of_four(exponent);
  }
  if (exact) memcpy(lanes, totals, sizeof totals);
  return exact;
}

/// Adds the squares of each block to the lanes as `compare` does.
static void add_in_order(const uint8_t *packed, const uint8_t *e8m0, size_t blocks,
                         double lanes[16]) {
  for (size_t b = 0; b < blocks; b++, packed += PACKED_BYTES) {
    grid_codes codes = load_grid_codes(packed);
    bytes16 squares[2] = {squares_of(codes.low), squares_of(codes.high)};
    double scale = power_of_four(e8m0[b] - 128);
    for (int k = 0; k < BLOCK_ELEMENTS; k++)
      lanes[k % 16] += (double)squares[k / 16][k % 16] * scale;
  }
}

static inline void add_squares(uints16 squares, int largest, const uint8_t *packed,
                               const uint8_t *e8m0, size_t blocks, bool narrow, double lanes[16]) {
  if (!narrow || !add_exactly(squares, largest - RUN_SPREAD - 128, lanes))
    add_in_order(packed, e8m0, blocks, lanes);
}

#endif
