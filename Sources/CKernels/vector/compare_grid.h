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

/// (2^(e − 128))², of any scale byte.
static inline double unit_squared(uint8_t e) {
  uint64_t bits = (uint64_t)(2 * (e - 128) + 1023) << 52;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// Sums of the squares of the sixteen lanes, and of the lost signs.
typedef struct grid_sums {
  double8 first, second;
  pair lost_signs;
} grid_sums;

/// Adds the squares of the sixteen elements in eight packed bytes.
static inline void add_squares(const uint8_t *packed, double scale, grid_sums *sums) {
#if LANES == 16
  // One permutation looks eight codes up, by the low three bits of each index, in squares that are
  // scaled already.
  const double8 squares = {0, 1, 4, 9, 16, 36, 64, 144};
  const __m512i shifts = _mm512_setr_epi64(0, 4, 8, 12, 16, 20, 24, 28);
  double8 scaled = squares * scale;
  int64_t codes;
  memcpy(&codes, packed, sizeof codes);
  __m512i indices = _mm512_srlv_epi64(_mm512_set1_epi64(codes), shifts);
  sums->first += (double8)_mm512_permutexvar_pd(indices, (__m512d)scaled);
  sums->second +=
    (double8)_mm512_permutexvar_pd(_mm512_srli_epi64(indices, 32), (__m512d)scaled);
#else
  const bytes16 squares = {0, 1, 4, 9, 16, 36, 64, 144, 0, 1, 4, 9, 16, 36, 64, 144};
  bytes16 bytes = {0};
  memcpy(&bytes, packed, 8);
  bytes16 codes = __builtin_shufflevector(bytes & 15, bytes >> 4, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20,
                                          5, 21, 6, 22, 7, 23);
  ints16 wide = __builtin_convertvector(lookup16(squares, codes), ints16);
  int8lanes first = __builtin_shufflevector(wide, wide, 0, 1, 2, 3, 4, 5, 6, 7);
  int8lanes second = __builtin_shufflevector(wide, wide, 8, 9, 10, 11, 12, 13, 14, 15);
  sums->first += __builtin_convertvector(first, double8) * scale;
  sums->second += __builtin_convertvector(second, double8) * scale;
#endif
}

/// `block_equals` and `block_bytes` are constants wherever this is called.
static inline __attribute__((always_inline)) bool compare_grid(
  const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks, size_t count,
  int (*block_equals)(grid_codes, uint8_t, const uint8_t *), size_t block_bytes,
  quern_comparison *sums) {
  // The squares of the output are those of the source: one chain of sums does for both.
  if (memcmp(sums->signal, sums->output, sizeof sums->signal) != 0) return false;
  grid_sums running = {.lost_signs = {sums->lost_signs, 0}};
  memcpy(&running.first, sums->signal, sizeof running.first);
  memcpy(&running.second, sums->signal + 8, sizeof running.second);
  for (; count > 0; count -= BLOCK_ELEMENTS, packed += PACKED_BYTES, blocks += block_bytes) {
    grid_codes codes = load_grid_codes(packed);
    uint8_t e = *e8m0++;
    if (!block_equals(codes, e, blocks)) return false;
    add_squares(packed, unit_squared(e), &running);
    add_squares(packed + 8, unit_squared(e), &running);
    running.lost_signs += sums_of_halves(((bytes16)(codes.low == 8) & 1) + ((bytes16)(codes.high == 8) & 1));
  }
  memcpy(sums->signal, &running.first, sizeof running.first);
  memcpy(sums->signal + 8, &running.second, sizeof running.second);
  memcpy(sums->output, sums->signal, sizeof sums->signal);
  sums->lost_signs = running.lost_signs[0] + running.lost_signs[1];
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
