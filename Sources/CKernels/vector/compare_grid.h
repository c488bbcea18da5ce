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

static inline bytes16 without_zero_sign(bytes16 codes) {
  return codes & ~((bytes16)(codes == 8) & 8);
}

/// Whether the bytes of an MXFP4 block hold these codes, −0 being as good as +0.
static inline int mxfp4_block_equals(grid_codes codes, uint8_t e, const uint8_t *block) {
  bytes16 bytes = load16(block + 1);
  bytes16 low = without_zero_sign(codes.low) ^ without_zero_sign(bytes & 15);
  bytes16 high = without_zero_sign(codes.high) ^ without_zero_sign(bytes >> 4);
  return e <= LARGEST_FINITE_SCALE && block[0] == e && is_zero16(low | high);
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

/// Sums of the squares of sixteen elements, and of their lost signs.
typedef struct grid_sums {
  double8 first, second;
  uint64_t lost_signs;
} grid_sums;

static inline void add_sixteen(bytes16 codes, double unit_squared, grid_sums *sums) {
  const bytes16 squares = {0, 1, 4, 9, 16, 36, 64, 144, 0, 1, 4, 9, 16, 36, 64, 144};
  bytes16 square = lookup16(squares, codes);
  ints16 wide = __builtin_convertvector(square, ints16);
  int8lanes first = __builtin_shufflevector(wide, wide, 0, 1, 2, 3, 4, 5, 6, 7);
  int8lanes second = __builtin_shufflevector(wide, wide, 8, 9, 10, 11, 12, 13, 14, 15);
  sums->first += __builtin_convertvector(first, double8) * unit_squared;
  sums->second += __builtin_convertvector(second, double8) * unit_squared;
  sums->lost_signs += sum16((bytes16)(codes == 8) & 1);
}

/// `block_equals` and `block_bytes` are constants wherever this is called.
static inline __attribute__((always_inline)) bool compare_grid(
  const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks, size_t count,
  int (*block_equals)(grid_codes, uint8_t, const uint8_t *), size_t block_bytes,
  quern_comparison *sums) {
  // The squares of the output are those of the source: one chain of sums does for both.
  if (memcmp(sums->signal, sums->output, sizeof sums->signal) != 0) return false;
  grid_sums running = {.lost_signs = sums->lost_signs};
  memcpy(&running.first, sums->signal, sizeof running.first);
  memcpy(&running.second, sums->signal + 8, sizeof running.second);
  for (; count > 0; count -= BLOCK_ELEMENTS, packed += PACKED_BYTES, blocks += block_bytes) {
    grid_codes codes = load_grid_codes(packed);
    uint8_t e = *e8m0++;
    if (!block_equals(codes, e, blocks)) return false;
    double unit = (double)e2m1_unit(e);
    add_sixteen(codes.low, unit * unit, &running);
    add_sixteen(codes.high, unit * unit, &running);
  }
  memcpy(sums->signal, &running.first, sizeof running.first);
  memcpy(sums->signal + 8, &running.second, sizeof running.second);
  memcpy(sums->output, sums->signal, sizeof sums->signal);
  sums->lost_signs = running.lost_signs;
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
