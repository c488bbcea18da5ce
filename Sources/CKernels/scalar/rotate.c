#pragma STDC FP_CONTRACT OFF

#include "../rotation.h"
#include "scalar.h"

/// Replaces 32 elements, `stride` apart, by their Walsh–Hadamard transform: sums and differences of
/// elements 1, 2, 4, 8 and 16 apart, in this order, then one factor.
static void transform(float *values, size_t stride) {
  for (size_t half = 1; half < QUERN_ROTATION_BLOCK; half *= 2)
    for (size_t i = 0; i < QUERN_ROTATION_BLOCK; i++) {
      if (i & half) continue;
      float *low = values + i * stride, *high = low + half * stride;
      float sum = *low + *high, difference = *low - *high;
      *low = sum;
      *high = difference;
    }
  for (size_t i = 0; i < QUERN_ROTATION_BLOCK; i++) values[i * stride] *= QUERN_ROTATION_FACTOR;
}

void quern_scalar_rotate_columns(float *values, const float *gains, size_t row_length,
                                 size_t count) {
  for (size_t i = 0; gains && i < count; i++) values[i] *= gains[i % row_length];
  for (size_t i = 0; i < count; i += QUERN_ROTATION_BLOCK) transform(values + i, 1);
}

void quern_scalar_rotate_rows(float *values, size_t row_length, size_t count) {
  for (size_t first = 0; first < count; first += QUERN_ROTATION_BLOCK * row_length)
    for (size_t column = 0; column < row_length; column++)
      transform(values + first + column, row_length);
}
