/// Comparisons of the FP4 grid with its encodings, as integers. See `scalar/compare.c` for what
/// they compute.
///
/// A block passes when its codes and scale say the same as the source's in the one way that the
/// encoders of this library write. Any other block sends the whole call to the definition.
#ifndef QUERN_VECTOR_COMPARE_GRID_H
#define QUERN_VECTOR_COMPARE_GRID_H

#include "../numbers.h"
#include "../scalar/scalar.h"
#include "lanes16.h"
#include "compare.h"

/// Scale bytes above this have grid values beyond float32.
enum { LARGEST_FINITE_SCALE = 252 };

/// Whether the bytes of an MXFP4 block hold these codes, −0 being as good as +0.
static inline int mxfp4_block_equals(grid_codes codes, uint8_t e, const uint8_t *block) {
  bytes16 bytes = load16(block + 1);
  if (e > LARGEST_FINITE_SCALE || block[0] != e) return 0;
  if (is_zero16((codes.low ^ (bytes & 15)) | (codes.high ^ (bytes >> 4)))) return 1;
  const bytes16 doubled = load16(e2m1_doubled);
  bytes16 low = lookup16(doubled, codes.low) ^ lookup16(doubled, bytes & 15);
  bytes16 high = lookup16(doubled, codes.high) ^ lookup16(doubled, bytes >> 4);
  return is_zero16(low | high);
}

/// Whether a Q8_0 block holds these codes, doubled, with the unit itself as its scale.
static inline int q8_0_block_equals(grid_codes codes, uint8_t e, const uint8_t *block) {
  const bytes16 doubled = load16(e2m1_doubled);
  bytes16 low = lookup16(doubled, codes.low), high = lookup16(doubled, codes.high);
  bytes16 different = (low ^ load16(block + 2)) | (high ^ load16(block + 18));
  _Float16 scale;
  memcpy(&scale, block, 2);
  return is_zero16(different)
    && (((float)scale == e2m1_unit(e) && e <= LARGEST_FINITE_SCALE)
        || (load_u16(block) == 0 && is_zero16(low | high)));
}

/// Blocks whose squares are summed as integers, and how far apart their scale bytes may be. The
/// largest sum of a lane, 2 · 64 · 144 · 4^8, is below 2^32.
enum { RUN_BLOCKS = 64, RUN_SPREAD = 8 };

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

typedef int (*block_test)(grid_codes codes, uint8_t e, const uint8_t *block);

/// One run of blocks. The tests are constants wherever this is called, and are inlined.
static inline __attribute__((always_inline)) bool compare_run(
  const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks, size_t count,
  block_test equals, size_t block_bytes, quern_comparison *sums) {
  int largest = 0, smallest = 255;
  for (size_t b = 0; b < count; b++) {
    largest = e8m0[b] > largest ? e8m0[b] : largest;
    smallest = e8m0[b] < smallest ? e8m0[b] : smallest;
  }
  bool narrow = largest - smallest <= RUN_SPREAD;
  uints16 squares = {0};
  pair lost_signs = {0};
  for (size_t b = 0; b < count; b++) {
    grid_codes codes = load_grid_codes(packed + b * PACKED_BYTES);
    if (!equals(codes, e8m0[b], blocks + b * block_bytes)) return false;
    uint32_t shift = (uint32_t)(2 * (e8m0[b] + RUN_SPREAD - largest));
    squares += lane_squares(codes) << (shift & 31);
    bytes16 negative_zeros = ((bytes16)(codes.low == 8) & 1) + ((bytes16)(codes.high == 8) & 1);
    lost_signs += sums_of_halves(negative_zeros);
  }
  // The values of the output are those of the source, so their squares are, too.
  add_squares(squares, largest, packed, e8m0, count, narrow, sums->signal);
  add_squares(squares, largest, packed, e8m0, count, narrow, sums->output);
  sums->lost_signs += lost_signs[0] + lost_signs[1];
  return true;
}

static inline __attribute__((always_inline)) bool compare_grid(
  const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks, size_t count,
  block_test equals, size_t block_bytes, quern_comparison *sums) {
  quern_comparison local = *sums;
  for (size_t left = count / BLOCK_ELEMENTS; left > 0;) {
    size_t run = left < RUN_BLOCKS ? left : RUN_BLOCKS;
    if (!compare_run(packed, e8m0, blocks, run, equals, block_bytes, &local)) return false;
    packed += run * PACKED_BYTES;
    e8m0 += run;
    blocks += run * block_bytes;
    left -= run;
  }
  *sums = local;
  return true;
}

static bool compare_e2m1_mxfp4(const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks,
                               size_t position, size_t count, quern_comparison *sums) {
  return compare_grid(packed, e8m0, blocks, count, mxfp4_block_equals, MXFP4_BYTES, sums)
    || quern_scalar_compare_e2m1_mxfp4(packed, e8m0, blocks, position, count, sums);
}

static bool compare_e2m1_q8_0(const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks,
                              size_t position, size_t count, quern_comparison *sums) {
  return compare_grid(packed, e8m0, blocks, count, q8_0_block_equals, Q8_0_BYTES, sums)
    || quern_scalar_compare_e2m1_q8_0(packed, e8m0, blocks, position, count, sums);
}

#endif
