#pragma STDC FP_CONTRACT OFF

#include "optimal_q8_0.h"

#include <math.h>

#include "optimal_blocks.h"
#include "scalar.h"

static float rounded(float value, float inverse) {
  float code = rintf(value * inverse);
  return code < -127 ? -127 : code > 127 ? 127 : code;
}

/// Σ weights·(value/d − code)², times d².
static float scaled_error(const float *values, const float *weights, float d) {
  float inverse = 1.0f / d, sum = 0;
  for (int i = 0; i < BLOCK_ELEMENTS; i++) {
    float rest = values[i] * inverse - rounded(values[i], inverse);
    sum = fmaf(weights[i] * rest, rest, sum);
  }
  return sum * d * d;
}

static void encode_block(const float *values, const float *weights, uint8_t *block) {
  float largest = 0;
  for (int i = 0; i < BLOCK_ELEMENTS; i++)
    if (fabsf(values[i]) > largest) largest = fabsf(values[i]);
  if (!(largest >= q8_0_least && largest <= q8_0_most)) {
    quern_scalar_q8_0_from_f32(values, block, BLOCK_ELEMENTS);
    return;
  }
  float best = INFINITY, best_scale = 0;
  for (int k = 0; k < Q8_0_SCALES; k++) {
    float d = f32_of_f16(f16_of_f32(largest / q8_0_divisors[k]));
    float error = scaled_error(values, weights, d);
    if (k == 0) error *= q8_0_margin;
    if (error < best) best = error, best_scale = d;
  }
  store_u16(block, f16_of_f32(best_scale));
  for (int i = 0; i < BLOCK_ELEMENTS; i++)
    block[2 + i] = (uint8_t)(int8_t)rounded(values[i], 1.0f / best_scale);
}

void quern_scalar_q8_0_optimally(const float *source, const float *weights, uint8_t *blocks,
                                 size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q8_0_BYTES)
    encode_block(source + i, effective_weights(weights ? weights + i : NULL, BLOCK_ELEMENTS),
                 blocks);
}
