/// Comparisons of the FP4 grid with its encodings, as integers. See `scalar/compare.c` for what
/// they compute.
///
/// A block passes when its codes and scale say the same as the source's in the one way that the
/// encoders of this library write. Any other block sends the whole call to the definition.
#ifndef QUERN_VECTOR_COMPARE_GRID_H
#define QUERN_VECTOR_COMPARE_GRID_H

#include "../numbers.h"
#include "../scalar/scalar.h"
#include "grid.h"
#include "grid_squares.h"
#include "lanes16.h"
#include "parts.h"

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

/// How blocks of one format are compared. A constant wherever it is used, so that all is inlined.
typedef struct grid_target {
  size_t block_bytes;
  int smallest_scale, largest_scale;  ///< scale bytes outside go to `block_equals`
  int (*block_equals)(grid_codes codes, uint8_t e, const uint8_t *block);
  uint32_t (*scale_difference)(uint8_t e, const uint8_t *block);
  wide_shorts (*code_differences)(wide_shorts even, wide_shorts odd, const uint8_t *blocks);
} grid_target;

static inline uint32_t mxfp4_scale_difference(uint8_t e, const uint8_t *block) {
  return (uint32_t)(e ^ block[0]);
}

/// Element j of `even` holds the codes of elements 2·j (low byte) and 2·j + 16 of a block, `odd`
/// those of the elements that follow them.
static inline wide_shorts mxfp4_code_differences(wide_shorts even, wide_shorts odd,
                                                 const uint8_t *blocks) {
  wide_shorts low = (even | even >> 4) & 255, high = (odd << 8 | odd << 4) & 0xff00;
  return (low | high) ^ (wide_shorts)load_parts(blocks + 1, MXFP4_BYTES);
}

static inline uint32_t q8_0_scale_difference(uint8_t e, const uint8_t *block) {
  // Scale bytes below 104 are none of the target's: whatever they give here does not count.
  return (uint32_t)(f16_unit(e < 104 ? 104 : e) ^ load_u16(block));
}

static inline wide_shorts q8_0_code_differences(wide_shorts even, wide_shorts odd,
                                                const uint8_t *blocks) {
  const wide_bytes doubled = repeated(load16(e2m1_doubled));
  even = (wide_shorts)lookup_parts(doubled, (wide_bytes)even);
  odd = (wide_shorts)lookup_parts(doubled, (wide_bytes)odd);
  wide_shorts first = (even & 255) | odd << 8, second = even >> 8 | (odd & 0xff00);
  return (first ^ (wide_shorts)load_parts(blocks + 2, Q8_0_BYTES))
    | (second ^ (wide_shorts)load_parts(blocks + 18, Q8_0_BYTES));
}

/// What the blocks of a run have shown. Rows 0 and 1 of the squares are those of even lanes, 2 and
/// 3 of odd ones: lane k of a part in row 2·p + h belongs to lane 8·h + 2·k + p of the sums.
typedef struct run_sums {
  wide_words squares[4];
  wide_bytes negative_zeros;
  wide_shorts different;
  uint32_t different_scales;
} run_sums;

/// The sums of squares of elements i and i + 16 of PARTS blocks, for even and for odd i.
typedef struct pair_squares {
  wide_shorts even, odd;
} pair_squares;

static inline __attribute__((always_inline)) pair_squares add_parts(
  const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks, const grid_target *target,
  run_sums *sums) {
  const wide_bytes halves =
    repeated((bytes16){0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15});
  const wide_bytes is_negative_zero = repeated((bytes16){0, 0, 0, 0, 0, 0, 0, 0, 1});
  const wide_bytes squares = repeated(squares_of((bytes16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
                                                           12, 13, 14, 15}));
  wide_bytes pairs = lookup_parts(load_parts(packed, PACKED_BYTES), halves);
  wide_bytes even = pairs & 15, odd = pairs >> 4;
  for (int r = 0; r < PARTS; r++)
    sums->different_scales |= target->scale_difference(e8m0[r], blocks + r * target->block_bytes);
  sums->different |= target->code_differences((wide_shorts)even, (wide_shorts)odd, blocks);
  sums->negative_zeros += lookup_parts(is_negative_zero, even);
  sums->negative_zeros += lookup_parts(is_negative_zero, odd);
  return (pair_squares){sums_of_pairs(lookup_parts(squares, even)),
                        sums_of_pairs(lookup_parts(squares, odd))};
}

/// Adds `count` blocks, a multiple of 2 · PARTS.
static inline __attribute__((always_inline)) void add_blocks(
  const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks, size_t count, int largest,
  const grid_target *target, run_sums *sums) {
  uint16_t weights[RUN_BLOCKS];
  for (size_t b = 0; b < count; b++)
    weights[b] = (uint16_t)(1u << (2 * (e8m0[b] + RUN_SPREAD - largest) & 15));
  for (size_t b = 0; b < count; b += 2 * PARTS) {
    size_t next = b + PARTS;
    pair_squares first = add_parts(packed + b * PACKED_BYTES, e8m0 + b,
                                   blocks + b * target->block_bytes, target, sums);
    pair_squares second = add_parts(packed + next * PACKED_BYTES, e8m0 + next,
                                    blocks + next * target->block_bytes, target, sums);
    wide_words pairs = weight_pairs(weights + b);
    sums->squares[0] += weighted_sums(first.even, second.even, pairs, 0);
    sums->squares[1] += weighted_sums(first.even, second.even, pairs, 1);
    sums->squares[2] += weighted_sums(first.odd, second.odd, pairs, 0);
    sums->squares[3] += weighted_sums(first.odd, second.odd, pairs, 1);
  }
}

/// The squares of the sixteen lanes, over all parts.
static inline uints16 lanes_of(const run_sums *sums) {
  word_quad rows[4] = {0};
  for (int row = 0; row < 4; row++)
    for (int r = 0; r < PARTS; r++) {
      word_quad part;
      memcpy(&part, (uint32_t *)&sums->squares[row] + 4 * r, sizeof part);
      rows[row] += part;
    }
  uints16 lanes;
  for (int half = 0; half < 2; half++) {
    word_quad lower = __builtin_shufflevector(rows[half], rows[half + 2], 0, 4, 1, 5);
    word_quad upper = __builtin_shufflevector(rows[half], rows[half + 2], 2, 6, 3, 7);
    memcpy((uint32_t *)&lanes + 8 * half, &lower, sizeof lower);
    memcpy((uint32_t *)&lanes + 8 * half + 4, &upper, sizeof upper);
  }
  return lanes;
}

static inline uint64_t negative_zeros_of(const run_sums *sums) {
  pair total = {0};
  for (int r = 0; r < PARTS; r++)
    total += sums_of_halves(load16((const uint8_t *)&sums->negative_zeros + 16 * r));
  return total[0] + total[1];
}

static inline bool any_different(const run_sums *sums) {
  bytes16 all = {0};
  for (int r = 0; r < PARTS; r++) all |= load16((const uint8_t *)&sums->different + 16 * r);
  return !is_zero16(all) || sums->different_scales != 0;
}

/// Blocks one at a time: those that do not fill the parts, and those that differ from what the
/// encoders of this library write.
static inline __attribute__((always_inline)) bool blocks_equal(
  const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks, size_t count,
  const grid_target *target) {
  for (size_t b = 0; b < count; b++)
    if (!target->block_equals(load_grid_codes(packed + b * PACKED_BYTES), e8m0[b],
                              blocks + b * target->block_bytes))
      return false;
  return true;
}

/// The smallest and the largest scale byte of a run.
typedef struct scale_range {
  int smallest, largest;
} scale_range;

static inline scale_range range_of(const uint8_t *e8m0, size_t count) {
  scale_range range = {255, 0};
  for (size_t b = 0; b < count; b++) {
    range.largest = e8m0[b] > range.largest ? e8m0[b] : range.largest;
    range.smallest = e8m0[b] < range.smallest ? e8m0[b] : range.smallest;
  }
  return range;
}

/// Adds the squares of blocks that do not fill the parts to the lanes; returns their negative
/// zeros.
static inline uint64_t add_rest(const uint8_t *packed, const uint8_t *e8m0, size_t count,
                                int largest, uints16 *squares) {
  pair negative_zeros = {0};
  for (size_t b = 0; b < count; b++) {
    grid_codes codes = load_grid_codes(packed + b * PACKED_BYTES);
    uint32_t shift = (uint32_t)(2 * (e8m0[b] + RUN_SPREAD - largest));
    *squares += lane_squares(codes) << (shift & 31);
    negative_zeros +=
      sums_of_halves(((bytes16)(codes.low == 8) & 1) + ((bytes16)(codes.high == 8) & 1));
  }
  return negative_zeros[0] + negative_zeros[1];
}

/// One run of blocks.
static inline __attribute__((always_inline)) bool compare_run(
  const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks, size_t count,
  const grid_target *target, quern_comparison *sums) {
  scale_range range = range_of(e8m0, count);
  bool usual =
    range.smallest >= target->smallest_scale && range.largest <= target->largest_scale;
  bool narrow = range.largest - range.smallest <= RUN_SPREAD;
  size_t whole = count - count % (2 * PARTS);
  run_sums run = {0};
  add_blocks(packed, e8m0, blocks, whole, range.largest, target, &run);
  size_t sure = usual && !any_different(&run) ? whole : 0;
  if (!blocks_equal(packed + sure * PACKED_BYTES, e8m0 + sure,
                    blocks + sure * target->block_bytes, count - sure, target))
    return false;
  uints16 squares = lanes_of(&run);
  sums->lost_signs += negative_zeros_of(&run)
    + add_rest(packed + whole * PACKED_BYTES, e8m0 + whole, count - whole, range.largest, &squares);
  // The values of the output are those of the source, so their squares are, too.
  add_squares(squares, range.largest, packed, e8m0, count, narrow, sums->signal);
  add_squares(squares, range.largest, packed, e8m0, count, narrow, sums->output);
  return true;
}

static inline __attribute__((always_inline)) bool compare_grid(
  const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks, size_t count,
  const grid_target *target, quern_comparison *sums) {
  quern_comparison local = *sums;
  for (size_t left = count / BLOCK_ELEMENTS; left > 0;) {
    size_t run = left < RUN_BLOCKS ? left : RUN_BLOCKS;
    if (!compare_run(packed, e8m0, blocks, run, target, &local)) return false;
    packed += run * PACKED_BYTES;
    e8m0 += run;
    blocks += run * target->block_bytes;
    left -= run;
  }
  *sums = local;
  return true;
}

static bool compare_e2m1_mxfp4(const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks,
                               size_t position, size_t count, quern_comparison *sums) {
  static const grid_target target = {
    MXFP4_BYTES,        0, LARGEST_FINITE_SCALE,
    mxfp4_block_equals, mxfp4_scale_difference, mxfp4_code_differences,
  };
  return compare_grid(packed, e8m0, blocks, count, &target, sums)
    || quern_scalar_compare_e2m1_mxfp4(packed, e8m0, blocks, position, count, sums);
}

static bool compare_e2m1_q8_0(const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks,
                              size_t position, size_t count, quern_comparison *sums) {
  static const grid_target target = {
    Q8_0_BYTES,        104, 143,
    q8_0_block_equals, q8_0_scale_difference, q8_0_code_differences,
  };
  return compare_grid(packed, e8m0, blocks, count, &target, sums)
    || quern_scalar_compare_e2m1_q8_0(packed, e8m0, blocks, position, count, sums);
}

/// The codes of the grid are at most 12 units; this many doublings of them fit eight bits.
enum { LARGEST_CODE_SHIFT = 3 };

/// Whether integers are those of the grid under a scale that is a power of two, by their bits alone:
/// false as well where that is not sure.
static inline bool are_surely_equal(const uint8_t *packed, const uint8_t *e8m0,
                                    const int8_t *codes, float scale, size_t blocks) {
  uint32_t bits = bits_of(scale);
  if (bits & 0x807fffff || bits < 0x00800000) return false;
  // The scale byte whose unit this is.
  int step = (int)(bits >> 23) + 1;
  const bytes16 doubled = load16(e2m1_doubled);
  bytes16 different = {0};
  for (size_t b = 0; b < blocks; b++) {
    grid_codes grid = load_grid_codes(packed + b * PACKED_BYTES);
    bytes16 first = load16(codes + b * BLOCK_ELEMENTS);
    bytes16 second = load16(codes + b * BLOCK_ELEMENTS + 16);
    int shift = e8m0[b] - step;
    if (shift < 0 || shift > LARGEST_CODE_SHIFT || e8m0[b] > LARGEST_FINITE_SCALE) {
      // Zeros are zeros under any scale.
      if (e8m0[b] > LARGEST_FINITE_SCALE) return false;
      different |= (grid.low & 7) | (grid.high & 7) | first | second;
      continue;
    }
    bytes16 table = doubled << (uint8_t)shift;
    different |= (lookup16(table, grid.low) ^ first) | (lookup16(table, grid.high) ^ second);
  }
  return is_zero16(different);
}

static inline int any_block(grid_codes codes, uint8_t e, const uint8_t *block) {
  (void)codes, (void)e, (void)block;
  return 1;
}

static inline uint32_t no_scale_difference(uint8_t e, const uint8_t *block) {
  (void)e, (void)block;
  return 0;
}

static inline wide_shorts no_code_differences(wide_shorts even, wide_shorts odd,
                                              const uint8_t *blocks) {
  (void)even, (void)odd, (void)blocks;
  return (wide_shorts){0};
}

static bool compare_e2m1_integers(const uint8_t *packed, const uint8_t *e8m0, const int8_t *codes,
                                  float scale, size_t position, size_t count,
                                  quern_comparison *sums) {
  static const grid_target target = {
    0, 0, LARGEST_FINITE_SCALE, any_block, no_scale_difference, no_code_differences,
  };
  if (are_surely_equal(packed, e8m0, codes, scale, count / BLOCK_ELEMENTS))
    return compare_grid(packed, e8m0, packed, count, &target, sums);
  return quern_scalar_compare_e2m1_integers(packed, e8m0, codes, scale, position, count, sums);
}

#endif
