#pragma STDC FP_CONTRACT OFF

#include <math.h>

#include "scalar.h"

void quern_scalar_gram_f32(const float *x, size_t stride, size_t rows, size_t columns,
                           double *out) {
  for (size_t first = 0; first < rows; first += QUERN_GRAM_ROWS) {
    size_t last = rows - first < QUERN_GRAM_ROWS ? rows : first + QUERN_GRAM_ROWS;
    for (size_t i = 0; i < columns; i++) {
      for (size_t j = i; j < columns; j++) {
        float sum = 0;
        for (size_t r = first; r < last; r++)
          sum = fmaf(x[r * stride + i], x[r * stride + j], sum);
        out[i * columns + j] += sum;
      }
    }
  }
}
