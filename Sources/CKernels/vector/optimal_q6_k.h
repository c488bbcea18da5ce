/// Q6_K: the sixteen groups of a super-block side by side.
///
/// First the best scale of each group as if any could be stored, then the super-block's F16 scale of
/// which these are close to multiples, judged by the quadratic errors of the fits. For the most
/// promising, the integers about each fit are tried in full, and once more after the least-squares
/// scale for the codes found.
#ifndef QUERN_VECTOR_OPTIMAL_Q6_K_H
#define QUERN_VECTOR_OPTIMAL_Q6_K_H

#include "optimal_symmetric.h"
#include "optimal_unusual.h"

enum {
  Q6_K_CANDIDATES = 64,  ///< for the scale of the super-block, by their errors
  Q6_K_IN_FULL = 2,        ///< of these, tried in full
};

/// What a super-block stores; d and the error are the same in all lanes.
typedef struct q6_k_stored {
  floats16 d;
  floats16 own;  ///< the groups' integers, from −128 to 127
  floats16 error;
} q6_k_stored;

/// `is_within`: whether no element lies beyond the codes.
RUNS_INLINE symmetric_sums q6_k_sums(const symmetric_runs *runs, floats16 inverse, int is_within) {
  symmetric_sums sums = {all16(0), all16(0)};
  for (int i = 0; i < 16; i++) {
    floats16 shifted = fused16(runs->x[i], inverse, all16(0x1.8p23f));
    floats16 v = is_within ? shifted - 0x1.8p23f : integer_within16(shifted, -32, 31);
    floats16 product = runs->w[i] * v;
    sums.wxv = fused16(product, runs->x[i], sums.wxv);
    sums.wvv = fused16(product, v, sums.wvv);
  }
  return sums;
}

/// Weighted squared error of the groups' scales with the nearest codes.
RUNS_INLINE floats16 q6_k_error(const symmetric_runs *runs, floats16 scale) {
  floats16 inverse = inverse16(scale), error = all16(0);
  for (int i = 0; i < 16; i++) {
    floats16 v = nearest_product16(runs->x[i], inverse, -32, 31);
    floats16 distance = fused16(-scale, v, runs->x[i]);
    error = fused16(runs->w[i] * distance, distance, error);
  }
  return error;
}

static symmetric_sums search_q6_k(const symmetric_runs *runs) {
  symmetric_sums best = {all16(0), all16(1)};
  for (int k = 0; k < Q6_K_STARTS_WITHIN; k++) {
    symmetric_sums sums = q6_k_sums(runs, runs->inverse_largest * -q6_k_starts[k], 1);
    keep_better_sums(&best, &sums);
  }
  for (int k = Q6_K_STARTS_WITHIN; k < Q6_K_STARTS; k++) {
    symmetric_sums sums = q6_k_sums(runs, runs->inverse_largest * -q6_k_starts[k], 0);
    keep_better_sums(&best, &sums);
  }
  return best;
}

/// Tries the integers about wanted scales under the super-block's, three in one pass.
RUNS_INLINE void try_q6_k_integers(const symmetric_runs *runs, floats16 wanted,
                                   q6_k_stored *scales) {
  floats16 nearest = nearest16(wanted * inverse16(scales->d));
  floats16 own[3], scale[3], inverse[3], error[3];
  for (int k = 0; k < 3; k++) {
    own[k] = clamped16(nearest + (float)(k - 1), -128, 127);
    scale[k] = scales->d * own[k];
    inverse[k] = inverse16(scale[k]);
    error[k] = all16(0);
  }
  for (int i = 0; i < 16; i++)
    for (int k = 0; k < 3; k++) {
      floats16 v = nearest_product16(runs->x[i], inverse[k], -32, 31);
      floats16 distance = fused16(-scale[k], v, runs->x[i]);
      error[k] = fused16(runs->w[i] * distance, distance, error[k]);
    }
  for (int k = 1; k < 3; k++) {
    ints16 better = error[k] < error[0];
    error[0] = pick16(better, error[k], error[0]);
    own[0] = pick16(better, own[k], own[0]);
  }
  scales->own = own[0];
  scales->error = sum_of_sixteen(error[0]);
}

RUNS_INLINE void keep_better_q6_k(q6_k_stored *best, const q6_k_stored *other) {
  ints16 better = other->error < best->error;
  best->d = pick16(better, other->d, best->d);
  best->own = pick16(better, other->own, best->own);
  best->error = pick16(better, other->error, best->error);
}

/// Storable scales of the super-block of which the groups' scales are close to multiples, best first.
/// Here a lane holds a candidate, and the groups come one after the other.
static void scan_q6_k(floats16 wanted, floats16 stiffness, const block_units *units,
                      float candidates[Q6_K_IN_FULL]) {
  floats16 high = largest_of_block(wanted, 16), low = largest_of_block(-wanted, 16);
  floats16 largest = pick16(low > high, -low, high);
  floats16 best = all16(0), best_error = all16(__builtin_inff());
  floats16 ramp = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  for (int first = 0; first < Q6_K_CANDIDATES; first += 16) {
    floats16 d = storable_in_units(largest / ((ramp + (float)first) * (1.0f / 3) - 128), units);
    floats16 inverse = inverse16(d), error = all16(0);
    for (int g = 0; g < 16; g++) {
      floats16 scale = all16(wanted[g]);
      floats16 distance = fused16(-d, nearest_product16(scale, inverse, -128, 127), scale);
      error = fused16(stiffness[g] * distance, distance, error);
    }
    ints16 better = error < best_error;
    best = pick16(better, d, best);
    best_error = pick16(better, error, best_error);
  }
  for (int k = 0; k < Q6_K_IN_FULL; k++) {
    int least = 0;
    for (int lane = 1; lane < 16; lane++)
      if (best_error[lane] < best_error[least]) least = lane;
    candidates[k] = best[least];
    best_error[least] = __builtin_inff();
  }
}

/// The scales of the plain rule: the element of largest magnitude of each group takes code −32.
static q6_k_stored plain_q6_k(const symmetric_runs *runs, const block_units *units) {
  floats16 wanted = inverse16(runs->inverse_largest) * (-1.0f / 32);
  floats16 largest = largest_of_block(magnitude16(wanted), 16);
  q6_k_stored plain = {.d = storable_in_units(largest * (1.0f / 128), units)};
  plain.own = nearest_product16(wanted, inverse16(plain.d), -128, 127);
  plain.error = sum_of_sixteen(q6_k_error(runs, plain.d * plain.own));
  return plain;
}

/// The same with the super-block's scale of least error for the codes, and the integers about it.
RUNS_INLINE void refit_q6_k(const symmetric_runs *runs, const block_units *units,
                            q6_k_stored *best) {
  symmetric_sums sums = q6_k_sums(runs, inverse16(best->d * best->own), 0);
  floats16 above = sum_of_sixteen(best->own * sums.wxv);
  floats16 below = sum_of_sixteen((best->own * best->own) * sums.wvv);
  q6_k_stored other = {.d = storable_in_units(quotient16(above, below), units)};
  try_q6_k_integers(runs, best->d * best->own, &other);
  keep_better_q6_k(best, &other);
}

static void write_q6_k_block(const symmetric_runs *runs, const block_units *units,
                             const q6_k_stored *best, uint8_t *block) {
  floats16 inverse = inverse16(best->d * best->own);
  bytes16 rows[16];
  for (int i = 0; i < 16; i++)
    rows[i] = bytes_of16(nearest_product16(runs->x[i], inverse, -32, 31), 32);
  transpose_bytes16(rows);
  for (int part = 0; part < 4; part++) {
    const bytes16 *group = rows + 8 * (part / 2) + part % 2;
    uint8_t *low = block + 64 * (part / 2) + 16 * (part % 2);
    bytes16 first = (group[0] & 15) | group[4] << 4, second = (group[2] & 15) | group[6] << 4;
    bytes16 high = group[0] >> 4 | group[2] >> 4 << 2 | group[4] >> 4 << 4 | group[6] >> 4 << 6;
    memcpy(low, &first, 16);
    memcpy(low + 32, &second, 16);
    memcpy(block + 128 + 16 * part, &high, 16);
  }
  for (int g = 0; g < 16; g++) block[192 + g] = (uint8_t)(int8_t)best->own[g];
  store_u16(block + 208, f16_in_units(best->d, units, 0));
}

static void optimal_q6_k_block(const run_starts *starts, uint8_t *block) {
  symmetric_runs runs;
  block_units units = load_elements(starts, 16, 16, runs.x);
  // The plain rule's scale: where it has no F16 value, its infinity is written, which a reader must
  // refuse.
  uint16_t plain = f16_of_f32(units.largest[0] / 4096);
  if (units.largest[0] < least_encoded || plain == 0x7c00) {
    memset(block, 0, Q6_K_BYTES);
    if (plain == 0x7c00) store_u16(block + 208, plain);
    return;
  }
  load_weights(starts, 16, 16, runs.w);
  prepare_symmetric(&runs, 16);
  symmetric_sums sums = search_q6_k(&runs);
  floats16 wanted = quotient16(sums.wxv, sums.wvv);
  float candidates[Q6_K_IN_FULL];
  scan_q6_k(wanted, sums.wvv, &units, candidates);
  q6_k_stored best = plain_q6_k(&runs, &units);
  for (int k = 0; k < Q6_K_IN_FULL; k++) {
    q6_k_stored other = {.d = all16(candidates[k])};
    try_q6_k_integers(&runs, wanted, &other);
    keep_better_q6_k(&best, &other);
  }
  refit_q6_k(&runs, &units, &best);
  write_q6_k_block(&runs, &units, &best, block);
  static const block_coder coder = {
    quern_scalar_q6_k_from_f32, quern_scalar_f32_from_q6_k, SUPER_ELEMENTS, Q6_K_BYTES,
  };
  check_unusual(&coder, starts, runs.x, 16, &units, &block);
}

static void q6_k_optimally(const float *source, const float *weights, uint8_t *blocks,
                         size_t count) {
  for (size_t i = 0; i < count; i += 256, blocks += Q6_K_BYTES) {
    run_starts starts = runs_in_sequence(source + i, weights ? weights + i : NULL, 16, 16);
    optimal_q6_k_block(&starts, blocks);
  }
}

#endif
