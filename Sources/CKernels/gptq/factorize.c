#pragma STDC FP_CONTRACT OFF

#include <math.h>
#include <string.h>

#include "../include/quern_gptq.h"

typedef double doubles8 __attribute__((vector_size(64)));

/// Σ a[m]·b[m], element m of the run to lane m mod 8, lanes added in a fixed tree.
static double dot(const double *a, const double *b, size_t count) {
  doubles8 sums = {0};
  size_t m = 0;
  for (; m + 8 <= count; m += 8) {
    doubles8 x, y;
    memcpy(&x, a + m, sizeof x);
    memcpy(&y, b + m, sizeof y);
    sums += x * y;
  }
  for (; m < count; m++) sums[m % 8] += a[m] * b[m];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

/// Fills `work` with the damped matrix by place. Inputs that are all zero count as all the same.
static void damp(const float *hessian, size_t n, const uint16_t *order, double damping,
                 double *work, float *damped) {
  double trace = 0;
  for (size_t i = 0; i < n; i++) trace += (double)hessian[i * n + i];
  double mean = trace > 0 ? trace / (double)n : 1;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) {
      size_t a = order[i], b = order[j];
      double value = (double)(a < b ? hessian[a * n + b] : hessian[b * n + a]) / mean;
      if (i == j) value += damping;
      work[i * n + j] = value;
      damped[i * n + j] = (float)value;
    }
  }
}

bool quern_gptq_factorize(const float *hessian, size_t columns, const uint16_t *order,
                          double damping, double *work, float *damped, float *feedback,
                          float *pivots) {
  size_t n = columns;
  damp(hessian, n, order, damping, work, damped);
  // R takes the place of the matrix, from the last row up.
  for (size_t i = n; i-- > 0;) {
    double *row = work + i * n;
    for (size_t j = n; j-- > i + 1;) {
      const double *other = work + j * n;
      row[j] = (row[j] - dot(row + j + 1, other + j + 1, n - j - 1)) / other[j];
    }
    double pivot = row[i] - dot(row + i + 1, row + i + 1, n - i - 1);
    // No eigenvalue of a Hessian with damping is below the damping, and no pivot below those.
    if (!(pivot >= damping / 4)) return false;
    row[i] = sqrt(pivot);
    pivots[order[i]] = (float)pivot;
  }
  for (size_t k = 0; k < n; k++) {
    for (size_t i = 0; i < n; i++) {
      feedback[k * n + i] = i > k ? (float)(work[k * n + i] / work[i * n + i]) : 0;
    }
  }
  return true;
}
