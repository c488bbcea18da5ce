#pragma STDC FP_CONTRACT OFF

#include "../include/quern_products.h"
#include "../numbers.h"

/// Byte j holds code j low and code j + half high.
static void load_halves(const uint8_t *restrict bytes, size_t half, int8_t *restrict codes) {
  for (size_t j = 0; j < half; j++) {
    codes[j] = (int8_t)(bytes[j] & 15);
    codes[j + half] = (int8_t)(bytes[j] >> 4);
  }
}

static void lower(int8_t *codes, size_t count, int by) {
  for (size_t i = 0; i < count; i++) codes[i] = (int8_t)(codes[i] - by);
}

static void look_up(int8_t *codes, size_t count, const int8_t table[16]) {
  for (size_t i = 0; i < count; i++) codes[i] = table[codes[i]];
}

/// The fifth bit of each in 32 bits, the others in 16 bytes after them.
static void load_five_bits(const uint8_t *bytes, int8_t *restrict codes) {
  uint32_t fifths = load_u32(bytes);
  load_halves(bytes + 4, 16, codes);
  for (int i = 0; i < 32; i++) codes[i] |= (int8_t)((fifths >> i & 1) << 4);
}

static void load_q5_k(const uint8_t *restrict block, int8_t *restrict codes) {
  for (size_t k = 0; k < 4; k++) load_halves(block + 48 + 32 * k, 32, codes + 64 * k);
  for (int run = 0; run < 8; run++)
    for (int i = 0; i < 32; i++)
      codes[32 * run + i] |= (int8_t)((block[16 + i] >> run & 1) << 4);
}

static void load_q6_k(const uint8_t *restrict block, int8_t *restrict codes) {
  for (int half = 0; half < 2; half++) {
    const uint8_t *low = block + 64 * half, *high = block + 128 + 32 * half;
    int8_t *out = codes + 128 * half;
    for (int i = 0; i < 32; i++) {
      out[i] = (int8_t)(((low[i] & 15) | (high[i] & 3) << 4) - 32);
      out[32 + i] = (int8_t)(((low[32 + i] & 15) | (high[i] >> 2 & 3) << 4) - 32);
      out[64 + i] = (int8_t)((low[i] >> 4 | (high[i] >> 4 & 3) << 4) - 32);
      out[96 + i] = (int8_t)((low[32 + i] >> 4 | high[i] >> 6 << 4) - 32);
    }
  }
}

static void load_codes(quern_code_format format, const uint8_t *block, int8_t *codes) {
  switch (format) {
  case QUERN_CODES_Q8_0: memcpy(codes, block + 2, 32); return;
  case QUERN_CODES_Q4_0:
    load_halves(block + 2, 16, codes);
    lower(codes, 32, 8);
    return;
  case QUERN_CODES_Q4_1: load_halves(block + 4, 16, codes); return;
  case QUERN_CODES_Q5_0:
    load_five_bits(block + 2, codes);
    lower(codes, 32, 16);
    return;
  case QUERN_CODES_Q5_1: load_five_bits(block + 4, codes); return;
  case QUERN_CODES_IQ4_NL:
    load_halves(block + 2, 16, codes);
    look_up(codes, 32, iq4_values);
    return;
  case QUERN_CODES_MXFP4:
    load_halves(block + 1, 16, codes);
    look_up(codes, 32, e2m1_doubled);
    return;
  case QUERN_CODES_NVFP4:
    for (size_t k = 0; k < 4; k++) load_halves(block + 4 + 8 * k, 8, codes + 16 * k);
    look_up(codes, 64, e2m1_doubled);
    return;
  case QUERN_CODES_Q4_K:
    for (size_t k = 0; k < 4; k++) load_halves(block + 16 + 32 * k, 32, codes + 64 * k);
    return;
  case QUERN_CODES_Q5_K: load_q5_k(block, codes); return;
  case QUERN_CODES_Q6_K: load_q6_k(block, codes); return;
  case QUERN_CODES_IQ4_XS:
    for (size_t k = 0; k < 8; k++) load_halves(block + 8 + 16 * k, 16, codes + 32 * k);
    look_up(codes, 256, iq4_values);
    return;
  }
}

bool quern_has_offsets(quern_code_format format) {
  switch (format) {
  case QUERN_CODES_Q4_1:
  case QUERN_CODES_Q5_1:
  case QUERN_CODES_Q4_K:
  case QUERN_CODES_Q5_K: return true;
  default: return false;
  }
}

void quern_codes_from_blocks(quern_code_format format, const uint8_t *blocks, size_t count,
                             quern_code_rows out, size_t row) {
  quern_code_rule rule = quern_code_rule_of(format);
  size_t offset_stride = quern_offset_stride(out.stride);
  size_t repeats = rule.group_elements / QUERN_CODE_GROUP;
  int8_t *codes = out.codes + row * out.stride;
  float *scales = out.scales + row * out.stride / QUERN_CODE_GROUP;
  float *offsets = out.offsets ? out.offsets + row * offset_stride : NULL;
  memset(codes + count, 0, out.stride - count);
  memset(scales, 0, out.stride / QUERN_CODE_GROUP * sizeof(float));
  if (offsets) memset(offsets, 0, offset_stride * sizeof(float));
  for (size_t k = 0; k < count; k += rule.block_elements, blocks += rule.block_bytes) {
    float own_scales[16], own_offsets[16];
    load_codes(format, blocks, codes + k);
    quern_block_scales(format, blocks, own_scales, own_offsets);
    for (size_t i = 0; i < rule.block_elements / QUERN_CODE_GROUP; i++)
      scales[k / QUERN_CODE_GROUP + i] = own_scales[i / repeats];
    if (offsets)
      memcpy(offsets + k / QUERN_OFFSET_GROUP, own_offsets,
             rule.block_elements / QUERN_OFFSET_GROUP * sizeof(float));
  }
}
