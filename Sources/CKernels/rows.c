#pragma STDC FP_CONTRACT OFF

#include <float.h>
#include <math.h>

#include "quern_kernels.h"

void quern_compare_weighted(const float *source, const float *output, const float *weights,
                            size_t position, size_t count, quern_weighted_sums *sums) {
  for (size_t i = 0; i < count; ++i) {
    size_t lane = (position + i) % 16;
    double x = source[i], error = x - (double)output[i], weight = weights[i];
    sums->signal[lane] += weight * (x * x);
    sums->noise[lane] += weight * (error * error);
  }
}

void quern_search_weights(const float *source, const float *importance, float *out, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += (double)source[i] * source[i];
  double inverse = sum > 0 ? (double)count / sum : 0;
  for (size_t i = 0; i < count; ++i) {
    double square = (double)source[i] * source[i];
    // To the power of 3/8, by square roots alone: those round alike everywhere.
    double root = sqrt(sqrt(1 + square * inverse));
    double weight = importance[i] * (root * sqrt(root));
    out[i] = weight < FLT_MAX ? (float)weight : FLT_MAX;
  }
}

void quern_scale_values(const float *source, float factor, float *out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = source[i] * factor;
}

float quern_largest_magnitude(const float *values, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; ++i) {
    float magnitude = __builtin_fabsf(values[i]);
    if (magnitude > largest && magnitude <= __FLT_MAX__) largest = magnitude;
  }
  return largest;
}
