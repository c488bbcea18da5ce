#pragma STDC FP_CONTRACT OFF

#include <math.h>

#include "../numbers.h"
#include "extremes.h"
#include "scalar.h"
#include "search.h"

/// The search of Q6_K: a signed scale for each group of 16 by least squares, then eight bits for
/// each. After make_qx_quants and quantize_row_q6_K_ref of ggml-quants.c.

enum { GROUPS = SUPER_ELEMENTS / 16, GROUP = 16 };

/// What decides between codes: with elements weighted by their squares, the best scale under the
/// codes is products ÷ squares, and the error falls by products² ÷ squares.
typedef struct code_sums {
  float products, squares;
} code_sums;

static code_sums sums_of_codes(const float *values, float inverse) {
  code_sums sums = {0, 0};
  for (int i = 0; i < GROUP; i++) {
    float code = (float)clamped(nearest_by_addition(inverse * values[i]), -32, 31);
    float weight = values[i] * values[i];
    sums.products += weight * values[i] * code;
    sums.squares += weight * code * code;
  }
  return sums;
}

static void round_group(const float *values, float inverse, uint8_t *codes) {
  for (int i = 0; i < GROUP; i++)
    codes[i] = (uint8_t)(clamped(nearest_by_addition(inverse * values[i]), -32, 31) + 32);
}

/// The scale of a group; codes are those plus 32. Tried are scales under which the largest element
/// has a code from −31.1 to −32.9. Negligible groups have codes of 0 and the scale 0.
static float search_group(const float *values, uint8_t *codes) {
  float largest = signed_maximum(values, GROUP);
  memset(codes, 0, GROUP);
  if (fabsf(largest) < negligible) return 0;
  float inverse = -32 / largest;
  code_sums sums = sums_of_codes(values, inverse);
  float scale = sums.squares != 0 ? sums.products / sums.squares : 0;
  float gain = scale * sums.products;
  for (int trial = -9; trial <= 9; trial++) {
    float candidate = -(32 + 0.1f * (float)trial) / largest;
    if (trial == 0) continue;
    sums = sums_of_codes(values, candidate);
    if (!(sums.squares > 0 && sums.products * sums.products > gain * sums.squares)) continue;
    inverse = candidate;
    scale = sums.products / sums.squares;
    gain = scale * sums.products;
  }
  round_group(values, inverse, codes);
  return scale;
}

/// Rounds again under the scales as stored. A group whose stored scale is 0 keeps its codes.
static void recode(const float *values, const uint8_t *block, uint8_t *codes) {
  float d = f32_of_f16(load_u16(block + 208));
  for (int group = 0; group < GROUPS; group++) {
    float scale = d * (float)(int8_t)block[192 + group];
    if (scale == 0) continue;
    for (int i = GROUP * group; i < GROUP * (group + 1); i++)
      codes[i] = (uint8_t)(clamped(nearest_by_addition(values[i] / scale), -32, 31) + 32);
  }
}

static void store_codes(const uint8_t codes[SUPER_ELEMENTS], uint8_t *block) {
  for (int half = 0; half < 2; half++) {
    const uint8_t *q = codes + 128 * half;
    for (int k = 0; k < 64; k++)
      block[64 * half + k] = (uint8_t)((q[k] & 15) | (q[k + 64] & 15) << 4);
    for (int k = 0; k < 32; k++)
      block[128 + 32 * half + k] = (uint8_t)(q[k] >> 4 | q[k + 32] >> 4 << 2 | q[k + 64] >> 4 << 4
                                             | q[k + 96] >> 4 << 6);
  }
}

/// The scale of largest magnitude is stored as −128, so that 127 is enough for its opposite.
static void search_block(const float *values, uint8_t *block) {
  uint8_t codes[SUPER_ELEMENTS];
  float scales[GROUPS];
  for (int group = 0; group < GROUPS; group++)
    scales[group] = search_group(values + GROUP * group, codes + GROUP * group);
  float largest = signed_maximum(scales, GROUPS);
  memset(block, 0, Q6_K_BYTES);
  if (!all_finite(scales, GROUPS)) {
    store_u16(block + 208, infinite_scale);
    return;
  }
  if (fabsf(largest) < negligible) return;
  float inverse = -128.0f / largest;
  store_u16(block + 208, f16_of_f32(1 / inverse));
  for (int group = 0; group < GROUPS; group++)
    block[192 + group] = (uint8_t)clamped(nearest_by_addition(inverse * scales[group]), -128, 127);
  recode(values, block, codes);
  store_codes(codes, block);
}

void quern_scalar_q6_k_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += Q6_K_BYTES)
    search_block(source + i, blocks);
}
