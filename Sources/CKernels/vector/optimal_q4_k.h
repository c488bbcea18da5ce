/// Q4_K and Q5_K: the eight runs of two super-blocks side by side.
///
/// First the best scale and minimum of each run as if any could be stored. Then the super-block's F16
/// scales of which these are close to multiples, judged by the quadratic errors of the fits. For the
/// most promising pairs, the integers about each fit are tried in full; about the best pair, more of
/// them; and once more after the least-squares pair for the codes found.
#ifndef QUERN_VECTOR_OPTIMAL_Q4_K_H
#define QUERN_VECTOR_OPTIMAL_Q4_K_H

#include "optimal_affine.h"
#include "optimal_unusual.h"

enum {
  K_STARTS = 56,   ///< of the lists of starts
  K_SCALES = 24,   ///< candidates for the scale of the scales, by their errors
  K_MINIMA = 20,   ///< and for that of the minima
  K_IN_FULL = 5,   ///< of the former, tried in full
  K_LARGEST = 63,  ///< six bits
};

/// What two super-blocks store. What belongs to a super-block is the same in its eight lanes.
typedef struct k_stored {
  floats16 d, dmin;
  floats16 scale, minimum;  ///< the runs' integers, from 0 to 63
  floats16 error;           ///< of the super-block
} k_stored;

RUNS_INLINE void keep_better_k(k_stored *best, const k_stored *other) {
  ints16 better = other->error < best->error;
  best->d = pick16(better, other->d, best->d);
  best->dmin = pick16(better, other->dmin, best->dmin);
  best->scale = pick16(better, other->scale, best->scale);
  best->minimum = pick16(better, other->minimum, best->minimum);
  best->error = pick16(better, other->error, best->error);
}

/// Step k of 0, 1, −1, 2, −2 and so on.
RUNS_INLINE float outward(int k) { return (float)((k + 1) / 2) * (k & 1 ? 1.0f : -1.0f); }

/// Tries the integers about a fit under the super-block's scales: `reach` scales to either side, and for
/// each the minimum that would suit it best and those beside it; of `shifts` 3, also those that move
/// all codes by one.
static void try_k_integers(const affine_runs *runs, const run_fit *fit, int reach, int shifts,
                           k_stored *scales) {
  floats16 inverse_dmin = inverse16(scales->dmin), slope = fit->sum_wq * runs->inverse_sum_w;
  floats16 nearest = nearest16(fit->scale * inverse16(scales->d)), best = all16(__builtin_inff());
  scales->scale = scales->minimum = all16(0);
  for (int k = 0; k <= 2 * reach; k++) {
    floats16 own = clamped16(nearest + outward(k), 0, K_LARGEST), scale = scales->d * own;
    floats16 suited = fused16(scale - fit->scale, slope, fit->minimum);
    for (int shift = 0; shift < shifts; shift++) {
      floats16 shifted = fused16(scale, all16(outward(shift)), suited);
      floats16 nearest_minimum = nearest16(shifted * inverse_dmin);
      floats16 integers[3], minima[3], errors[3];
      for (int l = 0; l < 3; l++) {
        integers[l] = clamped16(nearest_minimum + outward(l), 0, K_LARGEST);
        minima[l] = scales->dmin * integers[l];
      }
      affine_errors(runs, scale, minima, errors);
      for (int l = 0; l < 3; l++) {
        ints16 better = errors[l] < best;
        best = pick16(better, errors[l], best);
        scales->scale = pick16(better, own, scales->scale);
        scales->minimum = pick16(better, integers[l], scales->minimum);
      }
    }
  }
  scales->error = sum_of_eight(best);
}

/// The scales of the plain rule: steps that span each run, minima that are its least elements.
static k_stored plain_k(const affine_runs *runs, const block_units *units) {
  floats16 scale = (runs->most - runs->least) / (float)runs->top, minimum = -runs->least;
  k_stored plain;
  plain.d = storable_in_units(largest_of_eight(scale) / (float)K_LARGEST, units);
  plain.dmin = storable_in_units(largest_of_eight(minimum) / (float)K_LARGEST, units);
  plain.scale = nearest_product16(scale, inverse16(plain.d), 0, K_LARGEST);
  plain.minimum = nearest_product16(minimum, inverse16(plain.dmin), 0, K_LARGEST);
  floats16 least = plain.dmin * plain.minimum, errors[3];
  affine_errors(runs, plain.d * plain.scale, (floats16[3]){least, least, least}, errors);
  plain.error = sum_of_eight(errors[0]);
  return plain;
}

/// The candidates of least error, best first.
typedef struct k_candidates {
  floats16 value[K_IN_FULL], error[K_IN_FULL];
} k_candidates;

RUNS_INLINE void insert_candidate(k_candidates *list, int kept, floats16 value, floats16 error) {
  for (int k = 0; k < kept; k++) {
    ints16 better = error < list->error[k];
    floats16 other_value = list->value[k], other_error = list->error[k];
    list->value[k] = pick16(better, value, other_value);
    list->error[k] = pick16(better, error, other_error);
    value = pick16(better, other_value, value);
    error = pick16(better, other_error, error);
  }
}

/// How far a is from the nearest multiple of a value, 63 times at most.
RUNS_INLINE floats16 nearest_multiple_distance(floats16 a, floats16 value, floats16 inverse) {
  return magnitude16(fused16(-value, nearest_product16(a, inverse, 0, K_LARGEST), a));
}

/// Numbers of which a storable one should be close to a multiple, one for each run: any of the three.
typedef struct k_wanted {
  floats16 first, second, third;
  floats16 stiffness;  ///< what a squared distance costs
  floats16 largest;
} k_wanted;

/// Storable numbers of which the wanted ones are close to multiples: `largest` over 63, over 62 and so
/// on, the best first.
static void scan_multiples(const k_wanted *wanted, int count, int kept, const block_units *units,
                           k_candidates *list) {
  floats16 inverse_largest = inverse16(wanted->largest);
  for (int k = 0; k < kept; k++) {
    list->value[k] = all16(0);
    list->error[k] = all16(__builtin_inff());
  }
  for (int k = 0; k < count; k++) {
    float multiple = (float)(K_LARGEST - k);
    floats16 value = storable_in_units(wanted->largest * (1 / multiple), units);
    floats16 inverse = inverse_largest * multiple;
    floats16 distance = nearest_multiple_distance(wanted->first, value, inverse);
    distance = smaller16(distance, nearest_multiple_distance(wanted->second, value, inverse));
    distance = smaller16(distance, nearest_multiple_distance(wanted->third, value, inverse));
    insert_candidate(list, kept, value,
                     sum_of_eight((wanted->stiffness * distance) * distance));
  }
}

/// The most promising scales of the super-block.
RUNS_INLINE void scan_k_scales(const affine_runs *runs, const block_units *units,
                               const run_fit *fit, k_candidates *list) {
  // Where there is a minimum, it makes up for part of what a scale is off.
  floats16 slope = fit->sum_wq * runs->inverse_sum_w;
  floats16 stiffness = pick16(fit->minimum > 0.0f, fused16(-fit->sum_wq, slope, fit->sum_wqq),
                              fit->sum_wqq);
  k_wanted wanted = {fit->scale, fit->scale, fit->scale, stiffness, largest_of_eight(fit->scale)};
  scan_multiples(&wanted, K_SCALES, K_IN_FULL, units, list);
}

/// The minima that suit the runs under a scale of the super-block. Where a run leaves codes at an end
/// unused, its codes may move by one, and its minimum by a step, for that.
RUNS_INLINE k_wanted wanted_minima(const affine_runs *runs, const run_fit *fit, floats16 d) {
  floats16 slope = fit->sum_wq * runs->inverse_sum_w, inverse = inverse16(fit->scale);
  floats16 scale = d * nearest_product16(fit->scale, inverse16(d), 0, K_LARGEST);
  floats16 suited = larger16(fused16(scale - fit->scale, slope, fit->minimum), all16(0));
  floats16 last = nearest_product16(runs->most + fit->minimum, inverse, 0, runs->top);
  floats16 first = nearest_product16(runs->least + fit->minimum, inverse, 0, runs->top);
  floats16 up = pick16(last < (float)runs->top, suited + scale, suited);
  floats16 down = pick16(first > 0.0f, larger16(suited - scale, all16(0)), suited);
  return (k_wanted){suited, up, down, runs->sum_w, largest_of_eight(suited)};
}

/// The fit with its codes moved by one where the minimum that goes with that is the closest to a
/// multiple.
RUNS_INLINE run_fit moved_fit(const affine_runs *runs, const run_fit *fit, const k_wanted *wanted,
                              floats16 dmin) {
  floats16 inverse = inverse16(dmin);
  floats16 distance = nearest_multiple_distance(wanted->first, dmin, inverse);
  ints16 moves_up = nearest_multiple_distance(wanted->second, dmin, inverse) < distance;
  ints16 moves_down = nearest_multiple_distance(wanted->third, dmin, inverse) < distance;
  floats16 move = pick16(moves_up, all16(1), pick16(moves_down, all16(-1), all16(0)));
  run_fit moved = *fit;
  moved.minimum = fused16(move, fit->scale, fit->minimum);
  moved.sum_wq = fused16(move, runs->sum_w, fit->sum_wq);
  return moved;
}

/// Tries a scale of the super-block with the minima's scale that suits it.
static void try_k_scale(const affine_runs *runs, const block_units *units, const run_fit *fit,
                        floats16 d, k_stored *best) {
  k_wanted wanted = wanted_minima(runs, fit, d);
  k_candidates minima;
  scan_multiples(&wanted, K_MINIMA, 1, units, &minima);
  k_stored other = {.d = d, .dmin = minima.value[0]};
  run_fit moved = moved_fit(runs, fit, &wanted, other.dmin);
  try_k_integers(runs, &moved, 1, 1, &other);
  keep_better_k(best, &other);
}

/// Tries the most promising scales, and more integers under the best.
static k_stored try_k_candidates(const affine_runs *runs, const block_units *units,
                                 const run_fit *fit) {
  k_candidates scales;
  scan_k_scales(runs, units, fit, &scales);
  k_stored best = plain_k(runs, units);
  for (int k = 0; k < K_IN_FULL; k++) try_k_scale(runs, units, fit, scales.value[k], &best);
  k_stored wider = {.d = best.d, .dmin = best.dmin};
  try_k_integers(runs, fit, 2, 3, &wider);
  keep_better_k(&best, &wider);
  return best;
}

/// Replaces the super-block's scales by those of least error for the codes that they lead to, and
/// tries the integers about the runs' fits to these codes.
static void refit_k(const affine_runs *runs, const block_units *units, k_stored *best) {
  floats16 scale = best->d * best->scale, minimum = best->dmin * best->minimum;
  floats16 inverse = inverse16(scale);
  run_fit fit = affine_sums(runs, inverse, minimum * inverse);
  floats16 a = sum_of_eight((best->scale * best->scale) * fit.sum_wqq);
  floats16 b = sum_of_eight((best->scale * best->minimum) * fit.sum_wq);
  floats16 c = sum_of_eight((best->minimum * best->minimum) * runs->sum_w);
  floats16 p = sum_of_eight(best->scale * fit.sum_wqx);
  floats16 q = sum_of_eight(best->minimum * runs->sum_wx);
  floats16 determinant = fused16(a, c, -(b * b));
  // Without minima the equations are one.
  floats16 d = pick16(c > 0.0f, quotient16(fused16(p, c, -(b * q)), determinant), quotient16(p, a));
  floats16 dmin = quotient16(fused16(p, b, -(a * q)), determinant);
  k_stored other = {.d = storable_in_units(larger16(d, all16(0)), units),
                    .dmin = storable_in_units(larger16(dmin, all16(0)), units)};
  refit_affine(runs, &fit);
  try_k_integers(runs, &fit, 1, 1, &other);
  keep_better_k(best, &other);
}

/// The twelve bytes of eight six-bit pairs.
RUNS_INLINE void write_six_bit_pairs(const k_stored *best, int first, uint8_t *bytes) {
  for (int b = 0; b < 4; b++) {
    int scale = (int)best->scale[first + b], minimum = (int)best->minimum[first + b];
    int later = (int)best->scale[first + b + 4], later_minimum = (int)best->minimum[first + b + 4];
    bytes[b] = (uint8_t)(scale | later >> 4 << 6);
    bytes[b + 4] = (uint8_t)(minimum | later_minimum >> 4 << 6);
    bytes[b + 8] = (uint8_t)((later & 15) | (later_minimum & 15) << 4);
  }
}

/// Writes the super-block of lanes `first` to `first` + 7; rows[p][j] are the codes of run j's
/// elements 16·p to 16·p + 15.
static void write_k_block(const block_units *units, const k_stored *best,
                          const bytes16 rows[2][16], int first, int five, uint8_t *block) {
  memset(block, 0, five ? Q5_K_BYTES : Q4_K_BYTES);
  if (units->largest[first] < least_encoded) return;
  store_u16(block, f16_in_units(best->d, units, first));
  store_u16(block + 2, f16_in_units(best->dmin, units, first));
  write_six_bit_pairs(best, first, block + 4);
  uint8_t *codes = block + (five ? 48 : 16);
  for (int part = 0; part < 2; part++) {
    bytes16 high = {0};
    for (int b = 0; b < 4; b++) {
      bytes16 even = rows[part][first + 2 * b], odd = rows[part][first + 2 * b + 1];
      bytes16 both = (even & 15) | odd << 4;
      high |= even >> 4 << (2 * b) | odd >> 4 << (2 * b + 1);
      memcpy(codes + 32 * b + 16 * part, &both, 16);
    }
    if (five) memcpy(block + 16 + 16 * part, &high, 16);
  }
}

/// Where a scale of the plain rule has no F16 value, that rule's infinities are written, which a
/// reader must refuse.
static void write_k_overflow(const affine_runs *runs, const block_units *units, int first,
                             uint8_t *block) {
  floats16 range = largest_of_eight(runs->most - runs->least);
  floats16 depth = largest_of_eight(-runs->least);
  float largest = (float)K_LARGEST;
  uint16_t d = f16_of_f32(range[first] / ((float)runs->top * largest) * units->unit[first]);
  uint16_t dmin = f16_of_f32(depth[first] / largest * units->unit[first] + 0.0f);
  if (d != 0x7c00 && dmin != 0x7c00) return;
  memset(block, 0, runs->top == 31 ? Q5_K_BYTES : Q4_K_BYTES);
  store_u16(block, d);
  store_u16(block + 2, dmin);
}

/// Encodes two super-blocks; the second may be the first again.
static void optimal_k_pair(const run_starts *starts, int top, uint8_t *const blocks[2]) {
  affine_runs runs = {.top = top};
  block_units units = load_elements(starts, 32, 8, runs.x);
  load_weights(starts, 32, 8, runs.w);
  prepare_affine(&runs);
  run_fit fit = search_affine(&runs, K_STARTS);
  k_stored best = try_k_candidates(&runs, &units, &fit);
  refit_k(&runs, &units, &best);
  bytes16 rows[2][16];
  affine_codes(&runs, best.d * best.scale, best.dmin * best.minimum, 0, rows[0]);
  affine_codes(&runs, best.d * best.scale, best.dmin * best.minimum, 16, rows[1]);
  for (int half = 0; half < 2; half++) {
    write_k_block(&units, &best, rows, 8 * half, top == 31, blocks[half]);
    write_k_overflow(&runs, &units, 8 * half, blocks[half]);
  }
  static const block_coder four = {
    quern_scalar_q4_k_from_f32, quern_scalar_f32_from_q4_k, SUPER_ELEMENTS, Q4_K_BYTES,
  };
  static const block_coder five = {
    quern_scalar_q5_k_from_f32, quern_scalar_f32_from_q5_k, SUPER_ELEMENTS, Q5_K_BYTES,
  };
  check_unusual(top == 31 ? &five : &four, starts, runs.x, 32, &units, blocks);
}

RUNS_INLINE void optimal_k_row(const float *source, const float *weights, uint8_t *blocks,
                               size_t count, int top) {
  size_t bytes = top == 31 ? Q5_K_BYTES : Q4_K_BYTES;
  for (size_t i = 0; i < count; i += 512, blocks += 2 * bytes) {
    size_t next = count - i > 256 ? 256 : 0;
    const float *sources[2] = {source + i, source + i + next};
    const float *own[2] = {weights ? weights + i : NULL, weights ? weights + i + next : NULL};
    uint8_t *const both[2] = {blocks, next ? blocks + bytes : blocks};
    run_starts starts = runs_of_pair(sources, own);
    optimal_k_pair(&starts, top, both);
  }
}

static void q4_k_optimally(const float *source, const float *weights, uint8_t *blocks,
                         size_t count) {
  optimal_k_row(source, weights, blocks, count, 15);
}

static void q5_k_optimally(const float *source, const float *weights, uint8_t *blocks,
                         size_t count) {
  optimal_k_row(source, weights, blocks, count, 31);
}

#endif
