/// IQ4_XS: the eight runs of two super-blocks side by side. Searched as Q6_K is.
#ifndef QUERN_VECTOR_OPTIMAL_IQ4_XS_H
#define QUERN_VECTOR_OPTIMAL_IQ4_XS_H

#include "nearest_iq4.h"
#include "optimal_symmetric.h"
#include "optimal_unusual.h"

enum {
  IQ4_XS_CANDIDATES = 64,  ///< for the scale of the super-block, by their errors
  IQ4_XS_IN_FULL = 4,        ///< of these, tried in full
};

/// What two super-blocks store; d and the error are the same in eight lanes.
typedef struct iq4_xs_stored {
  floats16 d;
  floats16 own;  ///< the runs' integers, from −32 to 31
  floats16 error;
} iq4_xs_stored;

static symmetric_sums iq4_xs_sums(const symmetric_runs *runs, floats16 inverse) {
  symmetric_sums sums = {all16(0), all16(0)};
  for (int i = 0; i < 32; i++) {
    floats16 v = nearest_iq4(runs->x[i] * inverse);
    floats16 product = runs->w[i] * v;
    sums.wxv = fused16(product, runs->x[i], sums.wxv);
    sums.wvv = fused16(product, v, sums.wvv);
  }
  return sums;
}

/// Weighted squared error of the runs' scales with the nearest codes.
static floats16 iq4_xs_error(const symmetric_runs *runs, floats16 scale) {
  floats16 inverse = inverse16(scale), error = all16(0);
  for (int i = 0; i < 32; i++) {
    floats16 distance = fused16(-scale, nearest_iq4(runs->x[i] * inverse), runs->x[i]);
    error = fused16(runs->w[i] * distance, distance, error);
  }
  return error;
}

static symmetric_sums search_iq4_xs(const symmetric_runs *runs) {
  symmetric_sums best = {all16(0), all16(1)};
  for (int k = 0; k < IQ4_XS_STARTS; k++) {
    symmetric_sums sums = iq4_xs_sums(runs, runs->inverse_largest * iq4_xs_starts[k]);
    keep_better_sums(&best, &sums);
  }
  return best;
}

/// Tries the integers about wanted scales under the super-block's.
static void try_iq4_xs_integers(const symmetric_runs *runs, floats16 wanted, int reach,
                                iq4_xs_stored *scales) {
  floats16 nearest = nearest16(wanted * inverse16(scales->d)), best = all16(__builtin_inff());
  scales->own = all16(0);
  for (int step = -reach; step <= reach; step++) {
    floats16 own = clamped16(nearest + (float)step, -32, 31);
    floats16 error = iq4_xs_error(runs, scales->d * own);
    ints16 better = error < best;
    best = pick16(better, error, best);
    scales->own = pick16(better, own, scales->own);
  }
  scales->error = sum_of_eight(best);
}

RUNS_INLINE void keep_better_iq4_xs(iq4_xs_stored *best, const iq4_xs_stored *other) {
  ints16 better = other->error < best->error;
  best->d = pick16(better, other->d, best->d);
  best->own = pick16(better, other->own, best->own);
  best->error = pick16(better, other->error, best->error);
}

/// The number of largest magnitude in each half, with its sign.
RUNS_INLINE floats16 signed_largest_of_eight(floats16 a) {
  floats16 high = largest_of_eight(a), low = -largest_of_eight(-a);
  return pick16(-low > high, low, high);
}

/// The scales of the plain rule: the element of largest magnitude of each run takes the value −127,
/// the largest scale −32.
static iq4_xs_stored plain_iq4_xs(const symmetric_runs *runs, const block_units *units) {
  floats16 wanted = inverse16(runs->inverse_largest) * (-1.0f / 127);
  floats16 largest = signed_largest_of_eight(wanted);
  iq4_xs_stored plain = {.d = storable_in_units(largest * (-1.0f / 32), units)};
  plain.own = nearest_product16(wanted, inverse16(plain.d), -32, 31);
  plain.error = sum_of_eight(iq4_xs_error(runs, plain.d * plain.own));
  return plain;
}

/// Storable scales of the super-block of which the runs' scales are close to multiples, best first.
static void scan_iq4_xs(floats16 wanted, floats16 stiffness, const block_units *units,
                        floats16 candidates[IQ4_XS_IN_FULL]) {
  floats16 largest = signed_largest_of_eight(wanted), inverse = inverse16(largest);
  floats16 errors[IQ4_XS_IN_FULL];
  for (int k = 0; k < IQ4_XS_IN_FULL; k++) {
    candidates[k] = all16(0);
    errors[k] = all16(__builtin_inff());
  }
  for (int k = 0; k < IQ4_XS_CANDIDATES; k++) {
    float multiple = 0.2f * (float)k - 32;
    floats16 d = storable_in_units(largest * (1 / multiple), units);
    floats16 integer = nearest_product16(wanted, inverse * multiple, -32, 31);
    floats16 distance = fused16(-d, integer, wanted);
    floats16 error = sum_of_eight((stiffness * distance) * distance);
    for (int t = 0; t < IQ4_XS_IN_FULL; t++) {
      ints16 better = error < errors[t];
      floats16 other_d = candidates[t], other_error = errors[t];
      candidates[t] = pick16(better, d, other_d);
      errors[t] = pick16(better, error, other_error);
      d = pick16(better, other_d, d);
      error = pick16(better, other_error, error);
    }
  }
}

/// The best integers with the super-block's scale of least error for the codes so far.
static void refit_iq4_xs(const symmetric_runs *runs, const block_units *units,
                         iq4_xs_stored *best) {
  symmetric_sums sums = iq4_xs_sums(runs, inverse16(best->d * best->own));
  floats16 above = sum_of_eight(best->own * sums.wxv);
  floats16 below = sum_of_eight((best->own * best->own) * sums.wvv);
  iq4_xs_stored other = {.d = storable_in_units(quotient16(above, below), units)};
  try_iq4_xs_integers(runs, best->d * best->own, 1, &other);
  keep_better_iq4_xs(best, &other);
}

/// Writes the super-block of lanes `first` to `first` + 7; rows[p][j] are the codes of run j's
/// elements 16·p to 16·p + 15. A block of zeros has the bytes that the format's reference gives it,
/// a negative zero and integers 0 among them; where the plain rule's scale has no F16 value, its
/// infinity is written, which a reader must refuse.
static void write_iq4_xs_block(const block_units *units, const iq4_xs_stored *best,
                               const bytes16 rows[2][16], int first, uint8_t *block) {
  uint16_t plain = f16_of_f32(units->largest[first] / (127 * 32));
  int is_zero = units->largest[first] < least_encoded;
  unsigned high = 0, low[8];
  for (int b = 0; b < 8; b++) {
    unsigned own = is_zero ? 32 : (unsigned)((int)best->own[first + b] + 32);
    high |= own >> 4 << (2 * b);
    low[b] = own & 15;
  }
  uint16_t d = is_zero ? 0x8000 : f16_in_units(best->d, units, first);
  store_u16(block, plain == 0x7c00 ? plain : d);
  store_u16(block + 2, (uint16_t)high);
  for (int b = 0; b < 4; b++) block[4 + b] = (uint8_t)(low[2 * b] | low[2 * b + 1] << 4);
  for (int b = 0; b < 8; b++) {
    bytes16 both = rows[0][first + b] | rows[1][first + b] << 4;
    memcpy(block + 8 + 16 * b, &both, 16);
  }
}

/// Encodes two super-blocks; the second may be the first again.
static void optimal_iq4_xs_pair(const run_starts *starts, uint8_t *const blocks[2]) {
  symmetric_runs runs;
  block_units units = load_elements(starts, 32, 8, runs.x);
  load_weights(starts, 32, 8, runs.w);
  prepare_symmetric(&runs, 32);
  symmetric_sums sums = search_iq4_xs(&runs);
  floats16 wanted = quotient16(sums.wxv, sums.wvv), candidates[IQ4_XS_IN_FULL];
  scan_iq4_xs(wanted, sums.wvv, &units, candidates);
  iq4_xs_stored best = plain_iq4_xs(&runs, &units);
  for (int k = 0; k < IQ4_XS_IN_FULL; k++) {
    iq4_xs_stored other = {.d = candidates[k]};
    try_iq4_xs_integers(&runs, wanted, 2, &other);
    keep_better_iq4_xs(&best, &other);
  }
  refit_iq4_xs(&runs, &units, &best);
  floats16 inverse = inverse16(best.d * best.own);
  bytes16 rows[2][16];
  for (int i = 0; i < 32; i++)
    rows[i / 16][i % 16] = codes_of_iq4(nearest_iq4(runs.x[i] * inverse));
  for (int part = 0; part < 2; part++) transpose_bytes16(rows[part]);
  for (int half = 0; half < 2; half++)
    write_iq4_xs_block(&units, &best, rows, 8 * half, blocks[half]);
  static const block_coder coder = {
    quern_scalar_iq4_xs_from_f32, quern_scalar_f32_from_iq4_xs, SUPER_ELEMENTS, IQ4_XS_BYTES,
  };
  check_unusual(&coder, starts, runs.x, 32, &units, blocks);
}

static void iq4_xs_optimally(const float *source, const float *weights, uint8_t *blocks,
                           size_t count) {
  for (size_t i = 0; i < count; i += 512, blocks += 2 * IQ4_XS_BYTES) {
    size_t next = count - i > 256 ? 256 : 0;
    const float *sources[2] = {source + i, source + i + next};
    const float *own[2] = {weights ? weights + i : NULL, weights ? weights + i + next : NULL};
    uint8_t *const both[2] = {blocks, next ? blocks + IQ4_XS_BYTES : blocks};
    run_starts starts = runs_of_pair(sources, own);
    optimal_iq4_xs_pair(&starts, both);
  }
}

#endif
