/// Encoders of the formats with two scales, five bits or scales of E4M3. See
/// `scalar/encode_blocks.c` for what they compute.
#ifndef QUERN_VECTOR_ENCODE_BLOCKS_H
#define QUERN_VECTOR_ENCODE_BLOCKS_H

#include "../numbers.h"
#include "../scalar/extremes.h"
#include "../scalar/scalar.h"
#include "encode.h"
#include "lanes16.h"

/// Bit k for element k of sixteen codes of five bits: their fifth. The multiplication moves the
/// lowest bits of eight bytes, each eight places from the next, side by side to the top.
static inline uint16_t fifth_bits_of(bytes16 codes) {
  bytes16 bits = codes >> 4;
  uint64_t halves[2];
  memcpy(halves, &bits, 16);
  const uint64_t gather = 0x0102040810204080;
  return (uint16_t)(halves[0] * gather >> 56 | halves[1] * gather >> 56 << 8);
}

static inline void store_vectors_of_five(ints16 low, ints16 high, uint8_t *bytes) {
  bytes16 first = low_bytes(low), second = low_bytes(high);
  bytes16 both = (first & 15) | second << 4;
  store_u16(bytes, fifth_bits_of(first));
  store_u16(bytes + 2, fifth_bits_of(second));
  memcpy(bytes + 4, &both, 16);
}

static inline ints16 q5_0_codes(floats16 values, float inverse) {
  floats16 scaled = values * inverse;
  ints16 codes = __builtin_convertvector(scaled + 16.5f, ints16);
  return __builtin_elementwise_min(codes, (ints16){0} + 31);
}

static void q5_0_from_f32(const float *source, uint8_t *blocks, size_t count) {
  while (count > 0) {
    size_t group = next_group(count);
    block_scales scales = {0};
    for (size_t i = 0; i < group; i++)
      scales.largest[i] = signed_maximum_of(source + i * BLOCK_ELEMENTS);
    divide_scales(&scales, -16.0f, -0.0f);
    for (size_t i = 0; i < group; i++, source += BLOCK_ELEMENTS, blocks += Q5_0_BYTES) {
      block_values values = load_block_values(source);
      ints16 low = q5_0_codes(values.low, scales.inverse[i]);
      ints16 high = q5_0_codes(values.high, scales.inverse[i]);
      memcpy(blocks, scales.stored + i, 2);
      store_vectors_of_five(low, high, blocks + 2);
    }
    count -= group * BLOCK_ELEMENTS;
  }
}

/// Integers in the order of the floats whose bits they come from, −0 before +0; its own inverse.
static inline ints16 ordered(ints16 bits) { return bits ^ ((bits >> 31) & INT32_MAX); }

/// Where the lowest is −0 there may be +0 beside it, and the first of them counts.
static inline extremes vector_extremes(const float *source) {
  block_values values = load_block_values(source);
  ints16 low = ordered((ints16)values.low), high = ordered((ints16)values.high);
  int32_t lowest = __builtin_reduce_min(__builtin_elementwise_min(low, high));
  int32_t highest = __builtin_reduce_max(__builtin_elementwise_max(low, high));
  if (lowest == -1) return extremes_of(source);
  uint32_t bits[2] = {(uint32_t)(lowest ^ ((lowest >> 31) & INT32_MAX)),
                      (uint32_t)(highest ^ ((highest >> 31) & INT32_MAX))};
  return (extremes){float_of(bits[0]), float_of(bits[1])};
}

/// Scales and minima of a group of blocks.
typedef struct block_spans {
  float span[SCALED_BLOCKS], lowest[SCALED_BLOCKS], inverse[SCALED_BLOCKS];
  uint16_t stored[SCALED_BLOCKS], stored_lowest[SCALED_BLOCKS];
} block_spans;

/// d = span ÷ steps. False where a span is infinite: such blocks have codes that no arithmetic
/// gives.
static inline int divide_spans(block_spans *spans, const float *source, size_t group,
                               float steps) {
  for (size_t i = 0; i < group; i++) {
    extremes found = vector_extremes(source + i * BLOCK_ELEMENTS);
    spans->span[i] = found.highest - found.lowest;
    spans->lowest[i] = found.lowest;
  }
  floats16 d = load_floats(spans->span) / steps, inverse = 1.0f / d;
  uints16 finite = (uints16)(((uints16)inverse & magnitude_mask) < 0x7f800000);
  halves16 stored = __builtin_convertvector((floats16)((uints16)d & finite), halves16);
  halves16 lowest = __builtin_convertvector(load_floats(spans->lowest), halves16);
  store_floats(spans->inverse, (floats16)((uints16)inverse & finite));
  memcpy(spans->stored, &stored, sizeof stored);
  memcpy(spans->stored_lowest, &lowest, sizeof lowest);
  return largest_of((uints16)load_floats(spans->span)) < 0x7f800000;
}

static inline ints16 codes_above(floats16 values, float lowest, float inverse) {
  floats16 scaled = (values - lowest) * inverse;
  return __builtin_convertvector(scaled + 0.5f, ints16);
}

static void q4_1_from_f32(const float *source, uint8_t *blocks, size_t count) {
  while (count > 0) {
    size_t group = next_group(count);
    block_spans spans = {0};
    if (!divide_spans(&spans, source, group, 15.0f))
      return quern_scalar_q4_1_from_f32(source, blocks, count);
    for (size_t i = 0; i < group; i++, source += BLOCK_ELEMENTS, blocks += Q4_1_BYTES) {
      block_values values = load_block_values(source);
      ints16 most = (ints16){0} + 15;
      ints16 low = codes_above(values.low, spans.lowest[i], spans.inverse[i]);
      ints16 high = codes_above(values.high, spans.lowest[i], spans.inverse[i]);
      low = __builtin_elementwise_min(low, most);
      high = __builtin_elementwise_min(high, most);
      bytes16 both = low_bytes(low | high << 4);
      memcpy(blocks, spans.stored + i, 2);
      memcpy(blocks + 2, spans.stored_lowest + i, 2);
      memcpy(blocks + 4, &both, 16);
    }
    count -= group * BLOCK_ELEMENTS;
  }
}

static void q5_1_from_f32(const float *source, uint8_t *blocks, size_t count) {
  while (count > 0) {
    size_t group = next_group(count);
    block_spans spans = {0};
    if (!divide_spans(&spans, source, group, 31.0f))
      return quern_scalar_q5_1_from_f32(source, blocks, count);
    for (size_t i = 0; i < group; i++, source += BLOCK_ELEMENTS, blocks += Q5_1_BYTES) {
      block_values values = load_block_values(source);
      ints16 most = (ints16){0} + 31;
      ints16 low = codes_above(values.low, spans.lowest[i], spans.inverse[i]);
      ints16 high = codes_above(values.high, spans.lowest[i], spans.inverse[i]);
      memcpy(blocks, spans.stored + i, 2);
      memcpy(blocks + 2, spans.stored_lowest + i, 2);
      store_vectors_of_five(__builtin_elementwise_min(low, most),
                      __builtin_elementwise_min(high, most), blocks + 4);
    }
    count -= group * BLOCK_ELEMENTS;
  }
}

/// Codes of the nearest of what `unit` offers, the smaller on ties.
static inline ints16 nearest_e2m1_codes(floats16 values, float unit) {
  floats16 size = (floats16)((uints16)values & magnitude_mask), smallest = size;
  ints16 codes = {0};
  for (int code = 1; code < 8; code++) {
    floats16 error = (float)e2m1_doubled[code] * unit - size;
    error = (floats16)((uints16)error & magnitude_mask);
    ints16 nearer = error < smallest;
    smallest = (floats16)(((ints16)error & nearer) | ((ints16)smallest & ~nearer));
    codes = (nearer & code) | (codes & ~nearer);
  }
  ints16 sign = (ints16)((uints16)values >> 28) & 8;
  return codes | (sign & (codes != 0));
}

static void nvfp4_from_f32(const float *source, uint8_t *blocks, size_t count) {
  for (; count > 0; count -= NVFP4_ELEMENTS, blocks += NVFP4_BYTES) {
    for (int group = 0; group < 4; group++, source += 16) {
      floats16 values = load_floats(source);
      float largest = float_of(largest_of((uints16)values & magnitude_mask));
      blocks[group] = nvfp4_scale(largest / 6.0f);
      bytes16 codes = low_bytes(nearest_e2m1_codes(values, nvfp4_unit(blocks[group])));
      uint64_t halves[2];
      memcpy(halves, &codes, 16);
      halves[0] |= halves[1] << 4;
      memcpy(blocks + 4 + 8 * group, halves, 8);
    }
  }
}

#endif
