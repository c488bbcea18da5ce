/// Q8_0 with the best of 32 scales, in two vectors of scales. See `scalar/optimal_q8_0.h`.
#ifndef QUERN_VECTOR_OPTIMAL_Q8_0_H
#define QUERN_VECTOR_OPTIMAL_Q8_0_H

#include "../scalar/optimal_q8_0.h"
#include "encode.h"
#include "optimal_search.h"

/// Rounded codes, 127 at most; of magnitudes.
static INLINE floats16 q8_0_rounded(floats16 scaled) {
  return smaller_of(__builtin_elementwise_roundeven(scaled), (floats16){0} + 127.0f);
}

static INLINE floats16 add_scaled_rest(floats16 sum, floats16 scaled, float weight,
                                       bool is_weighted) {
  floats16 rest = scaled - q8_0_rounded(scaled);
  return __builtin_elementwise_fma(is_weighted ? weight * rest : rest, rest, sum);
}

/// The first scale of least error.
static INLINE float best_q8_0_scale(const float *values, const float *weights, float largest,
                                    bool is_weighted) {
  floats16 scales[2], inverses[2], sums[2] = {{0}, {0}};
  for (int v = 0; v < 2; v++) {
    uints16 halves = halves_of_scales(largest / load_floats(q8_0_divisors + 16 * v));
    scales[v] = scales_of_halves(halves);
    inverses[v] = 1.0f / scales[v];
  }
  for (int i = 0; i < BLOCK_ELEMENTS; i++)
    for (int v = 0; v < 2; v++) {
      float magnitude = float_of(bits_of(values[i]) & magnitude_mask);
      float weight = is_weighted ? weights[i] : 1;
      sums[v] = add_scaled_rest(sums[v], magnitude * inverses[v], weight, is_weighted);
    }
  floats16 margin = (floats16){q8_0_margin, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  floats16 first = sums[0] * scales[0] * scales[0] * margin;
  floats16 second = sums[1] * scales[1] * scales[1];
  floats16 smallest = (floats16){0} + smallest_of(smaller_of(first, second));
  uint32_t mask = mask_of(first == smallest) | mask_of(second == smallest) << 16;
  return ((const float *)scales)[__builtin_ctz(mask)];
}

static INLINE bytes16 q8_0_signed_codes(floats16 values, float inverse) {
  floats16 codes = q8_0_rounded((floats16)((uints16)values & magnitude_mask) * inverse);
  return low_bytes(__builtin_convertvector(
    (floats16)((uints16)codes | ((uints16)values & ~magnitude_mask)), ints16));
}

static INLINE void q8_0_blocks_optimally(const float *source, const float *weights,
                                         uint8_t *blocks, size_t count, bool is_weighted) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q8_0_BYTES) {
    const float *values = source + i, *effective = NULL;
    if (is_weighted) effective = effective_weights(weights + i, BLOCK_ELEMENTS);
    block_values loaded = load_block_values(values);
    float largest = largest_magnitude(loaded);
    if (!(largest >= q8_0_least && largest <= q8_0_most)) {
      quern_scalar_q8_0_from_f32(values, blocks, BLOCK_ELEMENTS);
      continue;
    }
    float d = best_q8_0_scale(values, effective, largest, is_weighted), inverse = 1.0f / d;
    bytes16 low = q8_0_signed_codes(loaded.low, inverse);
    bytes16 high = q8_0_signed_codes(loaded.high, inverse);
    store_u16(blocks, f16_of_f32(d));
    memcpy(blocks + 2, &low, 16);
    memcpy(blocks + 18, &high, 16);
  }
}

static void q8_0_optimally(const float *source, const float *weights, uint8_t *blocks,
                           size_t count) {
  if (weights) q8_0_blocks_optimally(source, weights, blocks, count, true);
  else q8_0_blocks_optimally(source, NULL, blocks, count, false);
}

#endif
