#pragma STDC FP_CONTRACT OFF

#include <math.h>

#include "scalar.h"

static float sum_of_sixteen(float lanes[16]) {
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

/// Four products of codes at a time, exact; each four go to the next of sixteen lanes.
static float scaled_product(const quern_code_rows *x, const quern_code_rows *w, size_t m,
                            size_t n) {
  const int8_t *left = x->codes + m * x->stride, *right = w->codes + n * w->stride;
  const float *left_scales = x->scales + m * x->stride / QUERN_CODE_GROUP;
  const float *right_scales = w->scales + n * w->stride / QUERN_CODE_GROUP;
  float lanes[16] = {0};
  for (size_t k = 0; k < x->stride; k += 4) {
    int32_t sum = 0;
    for (size_t i = k; i < k + 4; i++) sum += left[i] * right[i];
    float scale = left_scales[k / QUERN_CODE_GROUP] * right_scales[k / QUERN_CODE_GROUP];
    lanes[k / 4 % 16] = fmaf((float)sum, scale, lanes[k / 4 % 16]);
  }
  return sum_of_sixteen(lanes);
}

static float offset_product(const quern_code_rows *x, const quern_code_rows *w, size_t m,
                            size_t n) {
  size_t stride = quern_offset_stride(x->stride);
  float lanes[16] = {0};
  for (size_t i = 0; i < stride; i++)
    lanes[i % 16] = fmaf(x->offsets[m * stride + i], w->offsets[n * stride + i], lanes[i % 16]);
  return sum_of_sixteen(lanes);
}

void quern_scalar_multiply_codes(const quern_code_rows *x, const quern_code_rows *w, float *out,
                                 size_t out_stride) {
  for (size_t m = 0; m < x->rows; m++)
    for (size_t n = 0; n < w->rows; n++) {
      float product = scaled_product(x, w, m, n);
      if (w->offsets) product += offset_product(x, w, m, n);
      out[m * out_stride + n] = product;
    }
}
