#pragma STDC FP_CONTRACT OFF

#include "../numbers.h"
#include "scalar.h"

/// The code of element k of 32 codes in 16 bytes: byte j holds element j low and j + 16 high.
static int nibble(const uint8_t *codes, int k) {
  return k < 16 ? codes[k] & 15 : codes[k - 16] >> 4;
}

void quern_scalar_f32_from_q4_1(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q4_1_BYTES) {
    float d = f32_of_f16(load_u16(blocks)), m = f32_of_f16(load_u16(blocks + 2));
    for (int k = 0; k < BLOCK_ELEMENTS; k++) out[i + k] = d * (float)nibble(blocks + 4, k) + m;
  }
}

void quern_scalar_f32_from_q5_0(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q5_0_BYTES) {
    float d = f32_of_f16(load_u16(blocks));
    uint32_t fifth = load_u32(blocks + 2);
    for (int k = 0; k < BLOCK_ELEMENTS; k++) {
      int code = nibble(blocks + 6, k) | (int)(fifth >> k & 1) << 4;
      out[i + k] = d * (float)(code - 16);
    }
  }
}

void quern_scalar_f32_from_q5_1(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += Q5_1_BYTES) {
    float d = f32_of_f16(load_u16(blocks)), m = f32_of_f16(load_u16(blocks + 2));
    uint32_t fifth = load_u32(blocks + 4);
    for (int k = 0; k < BLOCK_ELEMENTS; k++) {
      int code = nibble(blocks + 8, k) | (int)(fifth >> k & 1) << 4;
      out[i + k] = d * (float)code + m;
    }
  }
}

void quern_scalar_f32_from_iq4_nl(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += IQ4_NL_BYTES) {
    float d = f32_of_f16(load_u16(blocks));
    for (int k = 0; k < BLOCK_ELEMENTS; k++)
      out[i + k] = d * (float)iq4_values[nibble(blocks + 2, k)];
  }
}

/// Four groups of 16 elements; byte j of a group holds its element j low and j + 8 high.
void quern_scalar_f32_from_nvfp4(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += NVFP4_ELEMENTS, blocks += NVFP4_BYTES) {
    for (int group = 0; group < 4; group++) {
      float unit = nvfp4_unit(blocks[group]);
      for (int k = 0; k < 8; k++) {
        uint8_t byte = blocks[4 + 8 * group + k];
        out[i + 16 * group + k] = unit * (float)e2m1_doubled[byte & 15];
        out[i + 16 * group + k + 8] = unit * (float)e2m1_doubled[byte >> 4];
      }
    }
  }
}

/// The low four bits of element i of a Q4_K or Q5_K block: of 64 elements, the first half is in the
/// low halves of 32 bytes, the second half in the high ones.
static int k_nibble(const uint8_t *codes, int i) {
  uint8_t byte = codes[i / 64 * 32 + i % 32];
  return i % 64 < 32 ? byte & 15 : byte >> 4;
}

void quern_scalar_f32_from_q4_k(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += Q4_K_BYTES) {
    float d = f32_of_f16(load_u16(blocks)), dmin = f32_of_f16(load_u16(blocks + 2));
    for (int k = 0; k < SUPER_ELEMENTS; k++) {
      six_bit_pair own = six_bit_pair_at(blocks + 4, k / 32);
      float scale = d * (float)own.scale, minimum = dmin * (float)own.minimum;
      out[i + k] = scale * (float)k_nibble(blocks + 16, k) - minimum;
    }
  }
}

void quern_scalar_f32_from_q5_k(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += Q5_K_BYTES) {
    float d = f32_of_f16(load_u16(blocks)), dmin = f32_of_f16(load_u16(blocks + 2));
    for (int k = 0; k < SUPER_ELEMENTS; k++) {
      six_bit_pair own = six_bit_pair_at(blocks + 4, k / 32);
      float scale = d * (float)own.scale, minimum = dmin * (float)own.minimum;
      int fifth = blocks[16 + k % 32] >> k / 32 & 1;
      out[i + k] = scale * (float)(k_nibble(blocks + 48, k) | fifth << 4) - minimum;
    }
  }
}

void quern_scalar_f32_from_q6_k(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += Q6_K_BYTES) {
    float d = f32_of_f16(load_u16(blocks + 208));
    for (int k = 0; k < SUPER_ELEMENTS; k++) {
      int half = k / 128, run = k % 128 / 32, place = k % 32;
      uint8_t byte = blocks[64 * half + 32 * (run % 2) + place];
      int low = run < 2 ? byte & 15 : byte >> 4;
      int high = blocks[128 + 32 * half + place] >> 2 * run & 3;
      float scale = d * (float)(int8_t)blocks[192 + k / 16];
      out[i + k] = scale * (float)((low | high << 4) - 32);
    }
  }
}

void quern_scalar_f32_from_iq4_xs(const uint8_t *blocks, float *out, size_t count) {
  for (size_t i = 0; i < count; i += SUPER_ELEMENTS, blocks += IQ4_XS_BYTES) {
    float d = f32_of_f16(load_u16(blocks));
    for (int run = 0; run < 8; run++) {
      float scale = d * (float)iq4_xs_scale(blocks, run);
      for (int k = 0; k < 32; k++)
        out[i + 32 * run + k] = scale * (float)iq4_values[nibble(blocks + 8 + 16 * run, k)];
    }
  }
}
