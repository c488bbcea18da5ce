#pragma STDC FP_CONTRACT OFF

#include <math.h>

#include "../numbers.h"
#include "extremes.h"
#include "scalar.h"
#include "search.h"

/// The search of IQ4_NL and IQ4_XS: a scale for each run of 32 by least squares, with codes that
/// stand for a table's values. After quantize_row_iq4_nl_impl of ggml-quants.c.

enum { RUNS = SUPER_ELEMENTS / 32, RUN = 32 };

/// Codes of elements divided by the scale: nearest value, the larger on ties. Code k + 1 is nearer
/// than k from half way between their values on.
static void nearest_codes(const float *values, float inverse, uint8_t codes[RUN]) {
  static const float between[15] = {-115.5f, -93.5f, -74.0f, -57.0f, -42.0f,
                                    -28.5f,  -16.0f, -4.5f,  7.0f,   19.0f,
                                    31.5f,   45.5f,  61.0f,  79.0f,  101.0f};
  for (int i = 0; i < RUN; i++) {
    float scaled = inverse * values[i];
    int code = 0;
    for (int k = 0; k < 15; k++) code += scaled >= between[k];
    codes[i] = (uint8_t)code;
  }
}

/// What decides between codes: with elements weighted by their squares, the best scale under the
/// codes is products ÷ squares, and the error falls by products² ÷ squares.
typedef struct code_sums {
  float products, squares;
} code_sums;

static code_sums sums_of_codes(const float *values, float inverse) {
  uint8_t codes[RUN];
  nearest_codes(values, inverse, codes);
  code_sums sums = {0, 0};
  for (int i = 0; i < RUN; i++) {
    float value = (float)iq4_values[codes[i]], weight = values[i] * values[i];
    sums.products += weight * value * values[i];
    sums.squares += weight * value * value;
  }
  return sums;
}

/// The scale of a run. Tried are scales under which the largest element is 127, or −120 to −134,
/// in the table's units.
static float search_run(const float *values) {
  float largest = signed_maximum(values, RUN);
  if (fabsf(largest) < negligible) return 0;
  code_sums sums = sums_of_codes(values, 1 / (-largest / -127.0f));
  float scale = sums.squares > 0 ? sums.products / sums.squares : 0;
  float gain = scale * sums.products;
  for (int units = -134; units <= -120; units++) {
    sums = sums_of_codes(values, (float)units / largest);
    if (!(sums.squares > 0 && sums.products * sums.products > gain * sums.squares)) continue;
    scale = sums.products / sums.squares;
    gain = scale * sums.products;
  }
  return scale;
}

static void store_codes(const uint8_t codes[RUN], uint8_t bytes[16]) {
  for (int j = 0; j < 16; j++) bytes[j] = (uint8_t)(codes[j] | codes[j + 16] << 4);
}

/// The codes belong to the scale before its rounding to F16.
static void search_iq4_nl_block(const float *values, uint8_t *block) {
  uint8_t codes[RUN];
  float scale = search_run(values);
  memset(block, 0, IQ4_NL_BYTES);
  store_u16(block, isfinite(scale) ? f16_of_f32(scale) : infinite_scale);
  if (!isfinite(scale)) return;
  nearest_codes(values, scale != 0 ? 1 / scale : 0, codes);
  store_codes(codes, block + 2);
}

void quern_scalar_iq4_nl_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += IQ4_NL_BYTES)
    search_iq4_nl_block(source + i, blocks);
}

/// Scale and codes of one run of a block, given what the scale is a multiple of.
static void encode_iq4_xs_run(const float *values, float scale, float d, int run, uint8_t *block) {
  uint8_t codes[RUN];
  float inverse = d != 0 ? 1 / d : 0;
  int multiple = clamped(nearest_by_addition(inverse * scale), -32, 31), stored = multiple + 32;
  float rounded = d * (float)multiple;
  nearest_codes(values, rounded != 0 ? 1 / rounded : 0, codes);
  store_codes(codes, block + 8 + 16 * run);
  block[4 + run / 2] |= (uint8_t)((stored & 15) << 4 * (run % 2));
  store_u16(block + 2, (uint16_t)(load_u16(block + 2) | stored >> 4 << 2 * run));
}

/// The scale of largest magnitude is stored as −32. The codes belong to d before its rounding to
/// F16.
static void search_iq4_xs_block(const float *values, uint8_t *block) {
  float scales[RUNS];
  for (int run = 0; run < RUNS; run++) scales[run] = search_run(values + RUN * run);
  float d = -signed_maximum(scales, RUNS) / 32;
  memset(block, 0, IQ4_XS_BYTES);
  store_u16(block, infinite_scale);
  if (!all_finite(scales, RUNS)) return;
  store_u16(block, f16_of_f32(d));
  for (int run = 0; run < RUNS; run++)
    encode_iq4_xs_run(values + RUN * run, scales[run], d, run, block);
}

void quern_scalar_iq4_xs_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += IQ4_XS_BYTES)
    search_iq4_xs_block(source + i, blocks);
}
