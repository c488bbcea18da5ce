/// Q4_1 and Q5_1: sixteen blocks side by side, each an F16 scale and an F16 minimum.
///
/// The elements of a block are searched as distances from its middle, which keeps the sums accurate
/// where a block is narrow and far from zero. What is stored as `m` is −(minimum of the fit) + middle.
#ifndef QUERN_VECTOR_OPTIMAL_Q4_1_H
#define QUERN_VECTOR_OPTIMAL_Q4_1_H

#include "../scalar/optimal_reference.h"
#include "optimal_affine.h"

/// What sixteen blocks store, in their units.
typedef struct affine_blocks {
  floats16 scale, minimum, error;
} affine_blocks;

/// The best scale for the codes that a scale leads to under a minimum.
static floats16 refitted_scale(const affine_runs *runs, floats16 scale, floats16 minimum) {
  floats16 inverse = inverse16(scale);
  run_fit fit = affine_sums(runs, inverse, minimum * inverse);
  return larger16(quotient16(fused16(minimum, fit.sum_wq, fit.sum_wqx), fit.sum_wqq), all16(0));
}

/// Takes one of three storable minima with a storable scale where their error is smaller.
static void try_storable(const affine_runs *runs, floats16 middle, floats16 scale,
                         const floats16 stored[3], affine_blocks *best) {
  floats16 minima[3] = {middle - stored[0], middle - stored[1], middle - stored[2]}, errors[3];
  affine_errors(runs, scale, minima, errors);
  for (int k = 0; k < 3; k++) {
    ints16 better = errors[k] < best->error;
    best->scale = pick16(better, scale, best->scale);
    best->minimum = pick16(better, stored[k], best->minimum);
    best->error = pick16(better, errors[k], best->error);
  }
}

/// Looks around a fit: moves of both ends by parts of a step, each from the best so far.
static void polish_affine(const affine_runs *runs, run_fit *fit) {
  static const float moves[][2] = {{0, 0},     {0, 0},      {0.2f, 0},      {-0.2f, 0},
                                   {0, 0.2f},  {0, -0.2f},  {0.2f, 0.2f},   {-0.2f, -0.2f},
                                   {0.1f, -0.1f}, {-0.1f, 0.1f}, {0.1f, 0.1f}, {-0.1f, -0.1f}};
  for (size_t k = 0; k < sizeof moves / sizeof *moves; k++) {
    floats16 scale = fit->scale * (1 + (moves[k][0] + moves[k][1]) / (float)runs->top);
    floats16 inverse = inverse16(scale);
    run_fit other =
      affine_sums(runs, inverse, fused16(fit->minimum, inverse, all16(moves[k][0])));
    refit_affine(runs, &other);
    keep_better_affine(fit, &other);
  }
}

/// The best storable pair about a fit: the minimum rounded to nearest or to a neighbour on either
/// side, with the scales that suit each. The plain rule's pair is among those tried.
static affine_blocks store_affine(const affine_runs *runs, const block_units *units,
                                  floats16 middle, const run_fit *fit) {
  affine_blocks best = {.error = all16(__builtin_inff())};
  floats16 lowest = storable_in_units(middle + runs->least, units);
  floats16 step = storable_in_units((runs->most - runs->least) / (float)runs->top, units);
  try_storable(runs, middle, step, (floats16[3]){lowest, lowest, lowest}, &best);
  floats16 exact = middle - fit->minimum, stored[3];
  for (int k = 0; k < 3; k++)
    stored[k] = storable_in_units(fused16(exact, all16((float)(k - 1) * 0x1p-11f), exact), units);
  try_storable(runs, middle, storable_in_units(fit->scale, units), stored, &best);
  for (int k = 0; k < 3; k++) {
    floats16 minimum = middle - stored[k];
    floats16 scale = refitted_scale(runs, fit->scale, minimum);
    try_storable(runs, middle, storable_in_units(scale, units), stored, &best);
    floats16 height = larger16(runs->most + minimum, all16(0)) / (float)runs->top;
    scale = refitted_scale(runs, height, minimum);
    try_storable(runs, middle, storable_in_units(scale, units), stored, &best);
  }
  return best;
}

/// Writes one block.
RUNS_INLINE void write_affine_block(const affine_runs *runs, const block_units *units,
                                    const affine_blocks *best, const bytes16 codes[2], int lane,
                                    uint8_t *block) {
  int five = runs->top == 31;
  memset(block, 0, five ? Q5_1_BYTES : Q4_1_BYTES);
  if (units->largest[lane] < least_encoded) return;
  store_u16(block, f16_in_units(best->scale, units, lane));
  store_u16(block + 2, f16_in_units(best->minimum, units, lane));
  bytes16 both = (codes[0] & 15) | codes[1] << 4;
  memcpy(block + (five ? 8 : 4), &both, 16);
  if (!five) return;
  for (int i = 0; i < 32; i++)
    block[4 + i / 8] |= (uint8_t)((codes[i / 16][i % 16] >> 4) << (i % 8));
}

/// Where the scale or minimum of the plain rule has no F16 value, that rule's infinities are written,
/// which a reader must refuse.
RUNS_INLINE void write_affine_overflow(floats16 range, floats16 lowest, int top, int lane,
                                       uint8_t *block) {
  uint16_t scale = f16_of_f32(range[lane] / (float)top), minimum = f16_of_f32(lowest[lane]);
  if ((scale & 0x7c00) != 0x7c00 && (minimum & 0x7c00) != 0x7c00) return;
  memset(block, 0, top == 31 ? Q5_1_BYTES : Q4_1_BYTES);
  store_u16(block, scale);
  store_u16(block + 2, minimum);
}

/// Blocks of two values, or of one spike: the mean distance of 32 elements from the middle is near
/// half the range there or next to nothing, and a fifth of it in ordinary blocks.
RUNS_INLINE ints16 is_unusual_affine(const floats16 *x, floats16 range) {
  floats16 sum = all16(0);
  for (int i = 0; i < 32; i++) sum += magnitude16(x[i]);
  return (sum > 11.5f * range) | (sum < 1.9f * range);
}

/// Encodes the first `count` of sixteen blocks, the unusual ones with the reference encoder as a rival.
static void optimal_affine_blocks(const run_starts *starts, int top, int count, uint8_t *blocks) {
  static const block_coder four = {
    quern_scalar_q4_1_from_f32, quern_scalar_f32_from_q4_1, 32, Q4_1_BYTES};
  static const block_coder five = {
    quern_scalar_q5_1_from_f32, quern_scalar_f32_from_q5_1, 32, Q5_1_BYTES};
  const block_coder *coder = top == 31 ? &five : &four;
  affine_runs runs = {.top = top, .minimum_is_free = 1};
  block_units units = load_elements(starts, 32, 1, runs.x);
  load_weights(starts, 32, 1, runs.w);
  floats16 least = runs.x[0], most = runs.x[0];
  for (int i = 1; i < 32; i++) {
    least = smaller16(least, runs.x[i]);
    most = larger16(most, runs.x[i]);
  }
  floats16 middle = 0.5f * (least + most);
  for (int i = 0; i < 32; i++) runs.x[i] -= middle;
  ints16 unusual = is_unusual_affine(runs.x, most - least);
  prepare_affine(&runs);
  run_fit fit = search_affine(&runs, AFFINE_STARTS);
  polish_affine(&runs, &fit);
  affine_blocks best = store_affine(&runs, &units, middle, &fit);
  bytes16 rows[2][16];
  affine_codes(&runs, best.scale, middle - best.minimum, 0, rows[0]);
  affine_codes(&runs, best.scale, middle - best.minimum, 16, rows[1]);
  for (int lane = 0; lane < count; lane++) {
    bytes16 codes[2] = {rows[0][lane], rows[1][lane]};
    uint8_t *block = blocks + (size_t)lane * coder->bytes;
    write_affine_block(&runs, &units, &best, codes, lane, block);
    write_affine_overflow((most - least) * units.unit, least * units.unit, top, lane, block);
    if (unusual[lane])
      quern_keep_better_reference(coder, starts->source[lane], starts->weights[lane], block);
  }
}

RUNS_INLINE void optimal_affine_row(const float *source, const float *weights, uint8_t *blocks,
                                    size_t count, int top) {
  size_t block_bytes = top == 31 ? Q5_1_BYTES : Q4_1_BYTES;
  for (size_t i = 0; i < count; i += 512) {
    int here = count - i < 512 ? (int)(count - i) / 32 : 16;
    run_starts starts = runs_in_sequence(source + i, weights ? weights + i : NULL, 32, here);
    optimal_affine_blocks(&starts, top, here, blocks + i / 32 * block_bytes);
  }
}

static void q4_1_optimally(const float *source, const float *weights, uint8_t *blocks,
                         size_t count) {
  optimal_affine_row(source, weights, blocks, count, 15);
}

static void q5_1_optimally(const float *source, const float *weights, uint8_t *blocks,
                         size_t count) {
  optimal_affine_row(source, weights, blocks, count, 31);
}

#endif
