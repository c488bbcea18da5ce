#pragma STDC FP_CONTRACT OFF

#include <math.h>

#include "scalar.h"

void quern_scalar_matmul_i8(const quern_matmul *shape, const int8_t *x, const int8_t *w,
                            int32_t *out) {
  for (size_t m = 0; m < shape->rows; m++) {
    for (size_t n = 0; n < shape->outputs; n++) {
      const int8_t *left = x + m * shape->x_stride, *right = w + n * shape->w_stride;
      uint32_t sum = 0;
      for (size_t k = 0; k < shape->inner; k++) sum += (uint32_t)(left[k] * right[k]);
      out[m * shape->out_stride + n] = (int32_t)sum;
    }
  }
}

static float dot(const float *x, const float *w, size_t count) {
  float lanes[16] = {0};
  for (size_t k = 0; k < (count + 15) / 16 * 16; k++)
    lanes[k % 16] = k < count ? fmaf(x[k], w[k], lanes[k % 16]) : fmaf(0, 0, lanes[k % 16]);
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

void quern_scalar_matmul_f32(const quern_matmul *shape, const float *x, const float *w,
                             float *out) {
  for (size_t m = 0; m < shape->rows; m++)
    for (size_t n = 0; n < shape->outputs; n++)
      out[m * shape->out_stride + n] =
          dot(x + m * shape->x_stride, w + n * shape->w_stride, shape->inner);
}
