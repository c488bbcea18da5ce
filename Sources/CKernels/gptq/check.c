#pragma STDC FP_CONTRACT OFF

#include <math.h>

#include "../include/quern_gptq.h"

static quern_hessian_defect defect_of(const float *h, size_t n, size_t i, size_t j) {
  double value = h[i * n + j];
  if (!isfinite(value)) return QUERN_HESSIAN_NOT_FINITE;
  if (i == j) return value < 0 ? QUERN_HESSIAN_NEGATIVE : QUERN_HESSIAN_FINE;
  // Squares of float32 neither overflow nor underflow in double.
  double bound = (double)h[i * n + i] * (double)h[j * n + j];
  double difference = value - (double)h[j * n + i];
  if (difference * difference > 1e-6 * bound) return QUERN_HESSIAN_ASYMMETRIC;
  if (value * value > 1.002 * bound) return QUERN_HESSIAN_TOO_LARGE;
  return QUERN_HESSIAN_FINE;
}

quern_hessian_check quern_check_hessian(const float *hessian, size_t columns) {
  for (size_t i = 0; i < columns; i++) {
    quern_hessian_defect defect = defect_of(hessian, columns, i, i);
    if (defect) return (quern_hessian_check){defect, i, i};
  }
  for (size_t i = 0; i < columns; i++) {
    for (size_t j = 0; j < columns; j++) {
      quern_hessian_defect defect = defect_of(hessian, columns, i, j);
      if (defect) return (quern_hessian_check){defect, i, j};
    }
  }
  return (quern_hessian_check){QUERN_HESSIAN_FINE, 0, 0};
}
