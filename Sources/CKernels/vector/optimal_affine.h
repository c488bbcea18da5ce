/// The search for a scale and a minimum, in sixteen runs of 32 at once: what Q4_1, Q5_1, Q4_K and Q5_K
/// share. A run decodes to scale·q − minimum with codes q from 0 to `top`.
#ifndef QUERN_VECTOR_OPTIMAL_AFFINE_H
#define QUERN_VECTOR_OPTIMAL_AFFINE_H

#include "optimal_starts.h"
#include "runs_load.h"

/// Elements and weights, with the sums that every candidate needs.
typedef struct affine_runs {
  floats16 x[32], w[32];
  floats16 sum_w, sum_wx, sum_wxx, inverse_sum_w;
  floats16 least, most;  ///< with 0 between them unless the minimum is free
  int top;
  int minimum_is_free;  ///< whether the minimum may be negative
} affine_runs;

/// A scale and minimum with the sums over the codes that led to them.
typedef struct run_fit {
  floats16 scale, minimum, error;
  floats16 sum_wq, sum_wqq, sum_wqx;
} run_fit;

RUNS_INLINE void prepare_affine(affine_runs *runs) {
  floats16 w = all16(0), wx = all16(0), wxx = all16(0), least = runs->x[0], most = runs->x[0];
  for (int i = 0; i < 32; i++) {
    floats16 x = runs->x[i];
    floats16 product = runs->w[i] * x;
    w += runs->w[i];
    wx += product;
    wxx = fused16(product, x, wxx);
    least = smaller16(least, x);
    most = larger16(most, x);
  }
  runs->sum_w = w;
  runs->inverse_sum_w = inverse16(w);
  runs->sum_wx = wx;
  runs->sum_wxx = wxx;
  runs->least = runs->minimum_is_free ? least : smaller16(least, all16(0));
  runs->most = runs->minimum_is_free ? most : larger16(most, all16(0));
}

/// The sums over the codes nearest to x·inverse + offset. `is_within`: whether none lies outside 0 to
/// `top` anyway.
RUNS_INLINE run_fit sum_affine_codes(const affine_runs *runs, floats16 inverse,
                                        floats16 offset, int is_within) {
  run_fit fit = {.sum_wq = all16(0), .sum_wqq = all16(0), .sum_wqx = all16(0)};
  for (int i = 0; i < 32; i++) {
    floats16 shifted = fused16(runs->x[i], inverse, offset) + 0x1.8p23f;
    floats16 q = is_within ? shifted - 0x1.8p23f : integer_within16(shifted, 0, runs->top);
    floats16 product = runs->w[i] * q;
    fit.sum_wq += product;
    fit.sum_wqq = fused16(product, q, fit.sum_wqq);
    fit.sum_wqx = fused16(product, runs->x[i], fit.sum_wqx);
  }
  return fit;
}

static run_fit affine_sums(const affine_runs *runs, floats16 inverse, floats16 offset) {
  return sum_affine_codes(runs, inverse, offset, 0);
}

static run_fit affine_sums_within(const affine_runs *runs, floats16 inverse, floats16 offset) {
  return sum_affine_codes(runs, inverse, offset, 1);
}

/// The scale and minimum of least error for the codes of the sums: by the normal equations, without a
/// minimum where it would be negative and may not be. The error is that of these numbers as they
/// are, however badly the equations were conditioned.
static void refit_affine(const affine_runs *runs, run_fit *fit) {
  floats16 above = fused16(runs->sum_w, fit->sum_wqx, -(fit->sum_wq * runs->sum_wx));
  floats16 below = fused16(runs->sum_w, fit->sum_wqq, -(fit->sum_wq * fit->sum_wq));
  ints16 bound = {0};
  if (!runs->minimum_is_free) {
    bound = above * fit->sum_wq < runs->sum_wx * below;
    above = pick16(bound, fit->sum_wqx, above);
    below = pick16(bound, fit->sum_wqq, below);
  }
  floats16 scale = larger16(quotient16(above, below), all16(0));
  floats16 minimum = fused16(scale, fit->sum_wq, -runs->sum_wx) * runs->inverse_sum_w;
  minimum = pick16(bound, all16(0), minimum);
  floats16 crossed = fused16(minimum, fit->sum_wq, fit->sum_wqx);
  floats16 error = fused16(scale, fused16(scale, fit->sum_wqq, -(crossed + crossed)),
                           runs->sum_wxx);
  fit->scale = scale;
  fit->minimum = minimum;
  fit->error = fused16(minimum, fused16(minimum, runs->sum_w, runs->sum_wx + runs->sum_wx), error);
}

/// Takes `other` where its error is smaller.
RUNS_INLINE void keep_better_affine(run_fit *best, const run_fit *other) {
  ints16 better = other->error < best->error;
  best->scale = pick16(better, other->scale, best->scale);
  best->minimum = pick16(better, other->minimum, best->minimum);
  best->error = pick16(better, other->error, best->error);
  best->sum_wq = pick16(better, other->sum_wq, best->sum_wq);
  best->sum_wqq = pick16(better, other->sum_wqq, best->sum_wqq);
  best->sum_wqx = pick16(better, other->sum_wqx, best->sum_wqx);
}

/// Weighted squared errors of a scale under three minima, with the nearest codes: Σ w·(q − u)² · scale²
/// where u = (x + minimum)/scale. Without a scale everything decodes to −minimum.
static void affine_errors(const affine_runs *runs, floats16 scale, const floats16 minima[3],
                          floats16 errors[3]) {
  floats16 inverse = inverse16(scale), sums[3], offsets[3];
  for (int k = 0; k < 3; k++) {
    offsets[k] = minima[k] * inverse;
    sums[k] = all16(0);
  }
  for (int i = 0; i < 32; i++)
    for (int k = 0; k < 3; k++) {
      floats16 exact = fused16(runs->x[i], inverse, offsets[k]);
      floats16 distance = nearest_within16(exact, 0, runs->top) - exact;
      sums[k] = fused16(runs->w[i] * distance, distance, sums[k]);
    }
  for (int k = 0; k < 3; k++) {
    floats16 twice = runs->sum_wx + runs->sum_wx;
    floats16 constant =
      fused16(minima[k], fused16(minima[k], runs->sum_w, twice), runs->sum_wxx);
    errors[k] = pick16(inverse == 0.0f, constant, sums[k] * (scale * scale));
  }
}

/// The best of the fits that the first `count` starts lead to.
static run_fit search_affine(const affine_runs *runs, int count) {
  const affine_start *starts = runs->top == 15 ? affine_starts_15 : affine_starts_31;
  floats16 inverse_range = inverse16(runs->most - runs->least);
  run_fit best = {.error = all16(__builtin_inff())};
  for (int k = 0; k < count; k++) {
    int low = starts[k].low, span = starts[k].span;
    floats16 inverse = inverse_range * ((float)runs->top + 0.25f * (float)span);
    floats16 offset = fused16(-runs->least, inverse, all16(-0.125f * (float)low));
    // Where both ends miss their levels by less than half a step, all codes are within bounds.
    run_fit fit = low < 4 && 2 * span - low < 4 ? affine_sums_within(runs, inverse, offset)
                                                   : affine_sums(runs, inverse, offset);
    refit_affine(runs, &fit);
    keep_better_affine(&best, &fit);
  }
  return best;
}

/// Codes of the sixteen elements from `first` on, transposed: row j is run j's.
RUNS_INLINE void affine_codes(const affine_runs *runs, floats16 scale, floats16 minimum, int first,
                              bytes16 rows[16]) {
  floats16 inverse = inverse16(scale), offset = minimum * inverse;
  for (int i = 0; i < 16; i++) {
    floats16 exact = fused16(runs->x[first + i], inverse, offset);
    rows[i] = bytes_of16(nearest_within16(exact, 0, runs->top), 0);
  }
  transpose_bytes16(rows);
}

#endif
