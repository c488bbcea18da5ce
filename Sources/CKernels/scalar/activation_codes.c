#pragma STDC FP_CONTRACT OFF

#include <math.h>

#include "../include/quern_products.h"
#include "../numbers.h"

/// value · factor to the nearest integer, ties to even, of magnitude up to 2^22: what is added shifts
/// the point to the end of the number.
static inline int32_t rounded_product(float value, float factor) {
  float shifted = value * factor + 0x1.8p23f;
  return (int32_t)(bits_of(shifted) - bits_of(0x1.8p23f));
}

static uint32_t largest_bits(const float *values, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t magnitude = bits_of(values[i]) & magnitude_mask;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

/// Rounds values · factor to codes, and returns the sum of each 32 in `sums`.
static void round_codes(const float *restrict values, size_t count, float factor,
                        int8_t *restrict codes, int32_t *restrict sums) {
  for (size_t first = 0; first < count; first += QUERN_OFFSET_GROUP) {
    int32_t sum = 0;
    for (size_t i = first; i < first + QUERN_OFFSET_GROUP; i++) {
      codes[i] = (int8_t)rounded_product(values[i], factor);
      sum += codes[i];
    }
    sums[first / QUERN_OFFSET_GROUP] = sum;
  }
}

/// One block's scale for its codes, which are `factor` times the values; and what is multiplied with
/// the sum of codes.
typedef struct block_scale {
  float factor, scale, sum_scale;
} block_scale;

/// d = largest / 127, stored as F16; codes by 127 / largest.
static block_scale scale_of_32(const float *values) {
  float largest = float_of(largest_bits(values, 32)), d = largest / 127.0f;
  float factor = 127.0f / largest;
  return (block_scale){isinf(factor) ? 0 : factor, f32_of_f16(f16_of_f32(d)), d};
}

/// codes by −127 / v, v the first value of the largest magnitude; d the inverse of that.
static block_scale scale_of_256(const float *values) {
  uint32_t largest = largest_bits(values, SUPER_ELEMENTS);
  size_t first = 0;
  while ((bits_of(values[first]) & magnitude_mask) != largest) first++;
  float factor = -127.0f / values[first];
  if (isinf(factor)) return (block_scale){0, 0, 0};
  return (block_scale){factor, 1.0f / factor, 1.0f / factor};
}

void quern_codes_from_activations(quern_activation_format format, const float *values, size_t count,
                                  quern_code_rows out, size_t row) {
  bool is_wide = format == QUERN_ACTIVATIONS_Q8_K;
  size_t length = is_wide ? SUPER_ELEMENTS : BLOCK_ELEMENTS;
  size_t offset_stride = quern_offset_stride(out.stride);
  int8_t *codes = out.codes + row * out.stride;
  float *scales = out.scales + row * out.stride / QUERN_CODE_GROUP;
  float *sums = out.offsets ? out.offsets + row * offset_stride : NULL;
  memset(codes + count, 0, out.stride - count);
  memset(scales, 0, out.stride / QUERN_CODE_GROUP * sizeof(float));
  if (sums) memset(sums, 0, offset_stride * sizeof(float));
  for (size_t k = 0; k < count; k += length) {
    block_scale scale = is_wide ? scale_of_256(values + k) : scale_of_32(values + k);
    int32_t own_sums[SUPER_ELEMENTS / QUERN_OFFSET_GROUP];
    round_codes(values + k, length, scale.factor, codes + k, own_sums);
    for (size_t i = 0; i < length / QUERN_CODE_GROUP; i++)
      scales[k / QUERN_CODE_GROUP + i] = scale.scale;
    for (size_t i = 0; sums && i < length / QUERN_OFFSET_GROUP; i++) {
      float sum = scale.sum_scale * (float)own_sums[i];
      sums[k / QUERN_OFFSET_GROUP + i] = is_wide ? sum : f32_of_f16(f16_of_f32(sum));
    }
  }
}
