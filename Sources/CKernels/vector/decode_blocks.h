/// Decoders of the formats of llama.cpp with two scales, five bits or tables. See
/// `scalar/decode_blocks.c` for what they compute.
#ifndef QUERN_VECTOR_DECODE_BLOCKS_H
#define QUERN_VECTOR_DECODE_BLOCKS_H

#include "../numbers.h"
#include "decode.h"
#include "lanes16.h"

/// Sixteen for every element whose bit is set, bit k being element k's.
static inline bytes16 fifth_bits(const uint8_t *bits) {
  const bytes16 place = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const bytes16 upper = {0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255};
  bytes16 both = ((bytes16){0} + bits[0]) & ~upper;
  both |= ((bytes16){0} + bits[1]) & upper;
  return (bytes16)((both & place) != 0) & 16;
}

static void f32_from_q4_1(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q4_1_BYTES) {
    float d = f16_at(blocks), m = f16_at(blocks + 2);
    bytes16 codes = load16(blocks + 4);
    store_floats(out + i, signed_floats(codes & 15) * d + m);
    store_floats(out + i + 16, signed_floats(codes >> 4) * d + m);
  }
}

static void f32_from_q5_0(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q5_0_BYTES) {
    float d = f16_at(blocks);
    bytes16 codes = load16(blocks + 6);
    bytes16 low = (codes & 15) | fifth_bits(blocks + 2);
    bytes16 high = codes >> 4 | fifth_bits(blocks + 4);
    store_floats(out + i, signed_floats(low - 16) * d);
    store_floats(out + i + 16, signed_floats(high - 16) * d);
  }
}

static void f32_from_q5_1(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q5_1_BYTES) {
    float d = f16_at(blocks), m = f16_at(blocks + 2);
    bytes16 codes = load16(blocks + 8);
    bytes16 low = (codes & 15) | fifth_bits(blocks + 4);
    bytes16 high = codes >> 4 | fifth_bits(blocks + 6);
    store_floats(out + i, signed_floats(low) * d + m);
    store_floats(out + i + 16, signed_floats(high) * d + m);
  }
}

/// Stores 32 codes of IQ4_NL, byte j holding element j low and j + 16 high.
static inline void store_iq4(const uint8_t *codes, float scale, float *out) {
  bytes16 table = load16(iq4_values), both = load16(codes);
  store_floats(out, signed_floats(lookup16(table, both & 15)) * scale);
  store_floats(out + 16, signed_floats(lookup16(table, both >> 4)) * scale);
}

static void f32_from_iq4_nl(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += IQ4_NL_BYTES)
    store_iq4(blocks + 2, f16_at(blocks), out + i);
}

static void f32_from_iq4_xs(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += IQ4_XS_BYTES) {
    float d = f16_at(blocks);
    for (int run = 0; run < 8; run++)
      store_iq4(blocks + 8 + 16 * run, d * (float)iq4_xs_scale(blocks, run), out + i + 32 * run);
  }
}

static void f32_from_nvfp4(const uint8_t *blocks, float *out, size_t count) {
  bytes16 doubled = load16(e2m1_doubled);
  for (size_t i = 0; i < count; i += NVFP4_ELEMENTS, blocks += NVFP4_BYTES) {
    for (int group = 0; group < 4; group += 2) {
      bytes16 codes = load16(blocks + 4 + 8 * group);
      bytes16 low = lookup16(doubled, codes & 15), high = lookup16(doubled, codes >> 4);
      bytes16 first = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20,
                                              21, 22, 23);
      bytes16 second = __builtin_shufflevector(low, high, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26,
                                               27, 28, 29, 30, 31);
      float *values = out + i + 16 * group;
      store_floats(values, signed_floats(first) * nvfp4_unit(blocks[group]));
      store_floats(values + 16, signed_floats(second) * nvfp4_unit(blocks[group + 1]));
    }
  }
}

/// Scale and minimum of a run of 32 elements of a Q4_K or Q5_K block.
typedef struct run_scales {
  float scale, minimum;
} run_scales;

static inline run_scales k_scales(const uint8_t *block, int run) {
  six_bit_pair own = six_bit_pair_at(block + 4, run);
  return (run_scales){f16_at(block) * (float)own.scale, f16_at(block + 2) * (float)own.minimum};
}

static void f32_from_q4_k(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += Q4_K_BYTES) {
    for (int run = 0; run < 8; run += 2) {
      run_scales first = k_scales(blocks, run), second = k_scales(blocks, run + 1);
      for (int k = 0; k < 32; k += 16) {
        bytes16 codes = load16(blocks + 16 + 16 * run + k);
        float *values = out + i + 32 * run + k;
        store_floats(values, signed_floats(codes & 15) * first.scale - first.minimum);
        store_floats(values + 32, signed_floats(codes >> 4) * second.scale - second.minimum);
      }
    }
  }
}

static void f32_from_q5_k(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += Q5_K_BYTES) {
    for (int run = 0; run < 8; run += 2) {
      run_scales first = k_scales(blocks, run), second = k_scales(blocks, run + 1);
      for (int k = 0; k < 32; k += 16) {
        bytes16 codes = load16(blocks + 48 + 16 * run + k);
        bytes16 fifth = load16(blocks + 16 + k) >> (uint8_t)run;
        bytes16 low = (codes & 15) | (fifth & 1) << 4, high = codes >> 4 | (fifth & 2) << 3;
        float *values = out + i + 32 * run + k;
        store_floats(values, signed_floats(low) * first.scale - first.minimum);
        store_floats(values + 32, signed_floats(high) * second.scale - second.minimum);
      }
    }
  }
}

static void f32_from_q6_k(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += Q6_K_BYTES) {
    float d = f16_at(blocks + 208);
    for (int group = 0; group < 16; group++) {
      int half = group / 8, run = group % 8 / 2, place = group % 2 * 16;
      bytes16 low = load16(blocks + 64 * half + 32 * (run % 2) + place);
      bytes16 high = load16(blocks + 128 + 32 * half + place) >> (uint8_t)(2 * run) & 3;
      low = run < 2 ? low & 15 : low >> 4;
      float scale = d * (float)(int8_t)blocks[192 + group];
      store_floats(out + i + 16 * group, signed_floats((low | high << 4) - 32) * scale);
    }
  }
}

#endif
