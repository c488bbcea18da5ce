#pragma STDC FP_CONTRACT OFF

#include "optimal.h"

#include "scalar.h"

double quern_optimal_error(const optimal_format *format, const float *values, const float *weights,
                           int count, optimal_scale scale) {
  double d = scale_of_ordinal(format->scale, scale.ordinal), sum = 0;
  for (int i = 0; i < count; i++) {
    bool is_other = (values[i] < 0) != (scale.negative != 0);
    float magnitude = fabsf(values[i]);
    double error = (double)magnitude - d * nearest_magnitude(format, magnitude, d, is_other);
    sum += (double)weights[i] * error * error;
  }
  return sum;
}

/// A search over all scales of one sign, and the best of both so far.
typedef struct scale_search {
  const optimal_format *format;
  const float *values, *weights;
  int count;
  double signal_root, best_error;
  optimal_scale best;
} scale_search;

static double try_scale(scale_search *search, optimal_scale scale) {
  double error =
    quern_optimal_error(search->format, search->values, search->weights, search->count, scale);
  if (error < search->best_error ||
      (error == search->best_error && precedes(scale, search->best))) {
    search->best_error = error;
    search->best = scale;
  }
  return error;
}

/// Whether some scale between two may be as good as the best.
///
/// Under fixed codes c the error is a parabola in d of curvature Σ w·c². Over [a, b] a parabola
/// lies below its chord by the curvature times (d − a)(b − d); its ends are at or above the errors
/// E(a) and E(b) of the nearest codes. A scale d with E(d) ≤ T decodes to a vector not longer than
/// √S + √T, S being Σ w·x², so its curvature is at most K = (√S + √T)² / a². Hence, with s the
/// place of d between a and b,
///     E(d) ≥ (1 − s)·E(a) + s·E(b) − K·(b − a)²·s·(1 − s)
/// and that exceeds T for every s where √(E(a) − T) + √(E(b) − T) > √K·(b − a).
static bool may_hold_better(const scale_search *search, double a, double b, double error_a,
                            double error_b) {
  double limit = search->best_error * (1 + 1e-12);
  if (error_a <= limit || error_b <= limit) return true;
  double reach = (search->signal_root + sqrt(limit)) * (b - a) / a;
  return sqrt(error_a - limit) + sqrt(error_b - limit) <= reach * (1 + 1e-12);
}

/// Tries all scales between two that have been tried.
static void search_between(scale_search *search, optimal_scale low, optimal_scale high,
                           double error_low, double error_high) {
  if (high.ordinal - low.ordinal < 2) return;
  double a = scale_of_ordinal(search->format->scale, low.ordinal);
  double b = scale_of_ordinal(search->format->scale, high.ordinal);
  if (!may_hold_better(search, a, b, error_low, error_high)) return;
  optimal_scale middle = {(low.ordinal + high.ordinal) / 2, low.negative};
  double error = try_scale(search, middle);
  search_between(search, low, middle, error_low, error);
  search_between(search, middle, high, error, error_high);
}

/// Whether all numbers are so small that no F16 scale above 0 serves any better: at most half of
/// the smallest, of which every format's values are multiples.
static bool reaches_nothing(const optimal_format *format, const float *values, int count) {
  if (format->scale != SCALE_F16) return false;
  for (int i = 0; i < count; i++)
    if (fabsf(values[i]) > 0x1p-25f) return false;
  return true;
}

optimal_scale quern_optimal_scale(const optimal_format *format, const float *values,
                                  const float *weights, int count) {
  scale_search search = {
    .format = format, .values = values, .weights = weights, .count = count, .best_error = INFINITY,
  };
  double signal = 0;
  for (int i = 0; i < count; i++)
    signal += (double)weights[i] * (double)values[i] * (double)values[i];
  search.signal_root = sqrt(signal);
  optimal_scale smallest = {0, 0};
  if (try_scale(&search, smallest) == 0 || reaches_nothing(format, values, count)) return smallest;
  for (uint32_t negative = 0; negative <= format->either_sign; negative++) {
    optimal_scale low = {1, negative}, high = {format->last_ordinal, negative};
    double error_low = try_scale(&search, low), error_high = try_scale(&search, high);
    search_between(&search, low, high, error_low, error_high);
  }
  return search.best;
}
