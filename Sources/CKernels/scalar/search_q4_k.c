#pragma STDC FP_CONTRACT OFF

#include <math.h>
#include <stdbool.h>

#include "../numbers.h"
#include "extremes.h"
#include "scalar.h"
#include "search.h"

/// The search of Q4_K and Q5_K: scale and minimum for each run of 32 by least squares, then both in
/// six bits. After make_qkx2_quants and quantize_row_q4_K_ref of ggml-quants.c.

enum { RUNS = SUPER_ELEMENTS / 32, RUN = 32 };

/// What is tried: the run spread over `most` + first + step · trial codes, for each trial.
typedef struct k_trials {
  int most;
  float first, step;
  int last;
} k_trials;

static const k_trials q4_k_trials = {15, -1.0f, 0.1f, 20}, q5_k_trials = {31, -0.5f, 0.1f, 15};

/// A run of 32: elements, how much each counts, and the sums of the weights alone and times the
/// elements.
typedef struct weighted_run {
  const float *values;
  float weights[RUN];
  float weight_sum, value_sum;
} weighted_run;

/// Values are approximated by scale · code + minimum, where the minimum is never positive.
typedef struct k_fit {
  float scale, minimum;
  uint8_t codes[RUN];
} k_fit;

/// An element counts as much as its magnitude plus the run's root mean square.
static void weigh(weighted_run *run) {
  float squares = 0;
  for (int i = 0; i < RUN; i++) squares += run->values[i] * run->values[i];
  float typical = sqrtf(squares / RUN);
  run->weight_sum = run->value_sum = 0;
  for (int i = 0; i < RUN; i++) {
    float weight = typical + fabsf(run->values[i]);
    run->weights[i] = weight;
    run->weight_sum += weight;
    run->value_sum += weight * run->values[i];
  }
}

static void round_codes(const weighted_run *run, float inverse, float minimum, int most,
                        uint8_t codes[RUN]) {
  for (int i = 0; i < RUN; i++) {
    int code = nearest_by_addition(inverse * (run->values[i] - minimum));
    codes[i] = (uint8_t)clamped(code, 0, most);
  }
}

static float weighted_error(const weighted_run *run, const k_fit *fit) {
  float sum = 0;
  for (int i = 0; i < RUN; i++) {
    float error = fit->scale * (float)fit->codes[i] + fit->minimum - run->values[i];
    sum += run->weights[i] * (error * error);
  }
  return sum;
}

/// Scale and minimum of least squared error under the codes; false where the codes do not
/// determine them. A positive minimum is replaced by 0.
static bool solve_for_codes(const weighted_run *run, k_fit *fit) {
  float codes = 0, squares = 0, products = 0;
  for (int i = 0; i < RUN; i++) {
    float code = (float)fit->codes[i], weighted = run->weights[i] * code;
    codes += weighted;
    squares += weighted * code;
    products += weighted * run->values[i];
  }
  float determinant = run->weight_sum * squares - codes * codes;
  if (!(determinant > 0)) return false;
  fit->scale = (run->weight_sum * products - run->value_sum * codes) / determinant;
  fit->minimum = (squares * run->value_sum - codes * products) / determinant;
  if (fit->minimum > 0) {
    fit->minimum = 0;
    fit->scale = products / squares;
  }
  return true;
}

/// Starts from the run's extremes. Each trial goes from the best minimum so far.
static k_fit fit_run(const weighted_run *run, const k_trials *trials) {
  extremes found = extremes_of(run->values);
  k_fit best = {.minimum = found.lowest > 0 ? 0 : found.lowest};
  float highest = found.highest;
  if (highest == best.minimum) return best;
  float inverse = (float)trials->most / (highest - best.minimum);
  best.scale = 1 / inverse;
  round_codes(run, inverse, best.minimum, trials->most, best.codes);
  float smallest = weighted_error(run, &best);
  for (int trial = 0; trial <= trials->last; trial++) {
    float spread = trials->first + trials->step * (float)trial + (float)trials->most;
    k_fit fit;
    round_codes(run, spread / (highest - best.minimum), best.minimum, trials->most, fit.codes);
    if (!solve_for_codes(run, &fit)) continue;
    float error = weighted_error(run, &fit);
    if (error < smallest) smallest = error, best = fit;
  }
  return best;
}

/// The largest of positive numbers, 0 where there is none.
static float largest_positive(const float numbers[RUNS]) {
  float largest = 0;
  for (int run = 0; run < RUNS; run++)
    if (numbers[run] > largest) largest = numbers[run];
  return largest;
}

/// Six bits for each number, 63 for the largest.
static void round_to_six_bits(const float numbers[RUNS], float largest, uint8_t rounded[RUNS]) {
  float inverse = largest > 0 ? 63.0f / largest : 0;
  for (int run = 0; run < RUNS; run++) {
    uint8_t bits = (uint8_t)nearest_by_addition(inverse * numbers[run]);
    rounded[run] = bits < 63 ? bits : 63;
  }
}

static void store_pairs(const uint8_t scales[RUNS], const uint8_t minima[RUNS], uint8_t *packed) {
  for (int run = 0; run < 4; run++) {
    uint8_t scale = scales[run + 4], minimum = minima[run + 4];
    packed[run] = (uint8_t)(scales[run] | scale >> 4 << 6);
    packed[run + 4] = (uint8_t)(minima[run] | minimum >> 4 << 6);
    packed[run + 8] = (uint8_t)((scale & 15) | (minimum & 15) << 4);
  }
}

/// Rounds again under the scale and minimum as stored. A run whose stored scale is 0 keeps its
/// codes.
static void recode(const float *values, const uint8_t *block, int most, uint8_t *codes) {
  float d = f32_of_f16(load_u16(block)), dmin = f32_of_f16(load_u16(block + 2));
  for (int run = 0; run < RUNS; run++) {
    six_bit_pair own = six_bit_pair_at(block + 4, run);
    float scale = d * (float)own.scale, minimum = dmin * (float)own.minimum;
    if (scale == 0) continue;
    for (int i = RUN * run; i < RUN * (run + 1); i++)
      codes[i] = (uint8_t)clamped(nearest_by_addition((values[i] + minimum) / scale), 0, most);
  }
}

/// Writes scales and minima of a block and finds its codes.
static void search_block(const float *values, const k_trials *trials, uint8_t *block,
                         uint8_t codes[SUPER_ELEMENTS]) {
  float scales[RUNS], minima[RUNS];
  for (int run = 0; run < RUNS; run++) {
    weighted_run weighted = {.values = values + RUN * run};
    weigh(&weighted);
    k_fit fit = fit_run(&weighted, trials);
    scales[run] = fit.scale;
    minima[run] = -fit.minimum;
    memcpy(codes + RUN * run, fit.codes, RUN);
  }
  uint8_t rounded_scales[RUNS], rounded_minima[RUNS];
  float scale = largest_positive(scales), minimum = largest_positive(minima);
  round_to_six_bits(scales, scale, rounded_scales);
  round_to_six_bits(minima, minimum, rounded_minima);
  store_u16(block, f16_of_f32(scale / 63.0f));
  store_u16(block + 2, f16_of_f32(minimum / 63.0f));
  store_pairs(rounded_scales, rounded_minima, block + 4);
  recode(values, block, trials->most, codes);
}

/// Of 64 codes, the low four bits of the first half go to the low halves of 32 bytes.
static void store_nibbles(const uint8_t codes[SUPER_ELEMENTS], uint8_t *bytes) {
  for (int j = 0; j < 128; j++) {
    const uint8_t *low = codes + j / 32 * 64 + j % 32;
    bytes[j] = (uint8_t)((low[0] & 15) | low[32] << 4);
  }
}

void quern_scalar_q4_k_from_f32(const float *source, uint8_t *blocks, size_t count) {
  uint8_t codes[SUPER_ELEMENTS];
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += Q4_K_BYTES) {
    search_block(source + i, &q4_k_trials, blocks, codes);
    store_nibbles(codes, blocks + 16);
  }
}

void quern_scalar_q5_k_from_f32(const float *source, uint8_t *blocks, size_t count) {
  uint8_t codes[SUPER_ELEMENTS];
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += Q5_K_BYTES) {
    search_block(source + i, &q5_k_trials, blocks, codes);
    memset(blocks + 16, 0, 32);
    for (int k = 0; k < SUPER_ELEMENTS; k++)
      blocks[16 + k % 32] |= (uint8_t)(codes[k] >> 4 << k / 32);
    store_nibbles(codes, blocks + 48);
  }
}
