#pragma STDC FP_CONTRACT OFF

#include "../include/quern_gptq.h"
#include "../numbers.h"

/// The values of `iq4_values` as float32.
static const float iq4_floats[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                     1,    13,   25,  38,  53,  69,  89,  113};
/// The doubled FP4 values in ascending order; the last entry is never nearest.
static const float fp4_values[16] = {-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12, 12};
/// The FP4 code of each entry above.
static const uint8_t fp4_codes[16] = {15, 14, 13, 12, 11, 10, 9, 0, 1, 2, 3, 4, 5, 6, 7, 7};

quern_code_rule quern_code_rule_of(quern_code_format format) {
  switch (format) {
  case QUERN_CODES_Q8_0: return (quern_code_rule){32, 34, 32, -128, 127, NULL};
  case QUERN_CODES_Q4_0: return (quern_code_rule){32, 18, 32, -8, 7, NULL};
  case QUERN_CODES_Q4_1: return (quern_code_rule){32, 20, 32, 0, 15, NULL};
  case QUERN_CODES_Q5_0: return (quern_code_rule){32, 22, 32, -16, 15, NULL};
  case QUERN_CODES_Q5_1: return (quern_code_rule){32, 24, 32, 0, 31, NULL};
  case QUERN_CODES_IQ4_NL: return (quern_code_rule){32, 18, 32, 0, 15, iq4_floats};
  case QUERN_CODES_MXFP4: return (quern_code_rule){32, 17, 32, 0, 15, fp4_values};
  case QUERN_CODES_NVFP4: return (quern_code_rule){64, 36, 16, 0, 15, fp4_values};
  case QUERN_CODES_Q4_K: return (quern_code_rule){256, 144, 32, 0, 15, NULL};
  case QUERN_CODES_Q5_K: return (quern_code_rule){256, 176, 32, 0, 31, NULL};
  case QUERN_CODES_Q6_K: return (quern_code_rule){256, 210, 16, -32, 31, NULL};
  case QUERN_CODES_IQ4_XS: return (quern_code_rule){256, 136, 32, 0, 15, iq4_floats};
  }
  return (quern_code_rule){0};
}

// MARK: Scales

static void k_scales(const uint8_t *block, float *scales, float *offsets) {
  float d = f32_of_f16(load_u16(block)), m = f32_of_f16(load_u16(block + 2));
  for (int run = 0; run < 8; run++) {
    six_bit_pair pair = six_bit_pair_at(block + 4, run);
    scales[run] = d * (float)pair.scale;
    offsets[run] = -(m * (float)pair.minimum);
  }
}

void quern_block_scales(quern_code_format format, const uint8_t *block, float *scales,
                        float *offsets) {
  for (int i = 0; i < 16; i++) offsets[i] = 0;
  switch (format) {
  case QUERN_CODES_Q8_0:
  case QUERN_CODES_Q4_0:
  case QUERN_CODES_Q5_0:
  case QUERN_CODES_IQ4_NL: scales[0] = f32_of_f16(load_u16(block)); return;
  case QUERN_CODES_Q4_1:
  case QUERN_CODES_Q5_1:
    scales[0] = f32_of_f16(load_u16(block));
    offsets[0] = f32_of_f16(load_u16(block + 2));
    return;
  case QUERN_CODES_MXFP4: scales[0] = e2m1_unit(block[0]); return;
  case QUERN_CODES_NVFP4:
    for (int i = 0; i < 4; i++) scales[i] = nvfp4_unit(block[i]);
    return;
  case QUERN_CODES_Q4_K:
  case QUERN_CODES_Q5_K: k_scales(block, scales, offsets); return;
  case QUERN_CODES_Q6_K:
    for (int i = 0; i < 16; i++) {
      scales[i] = f32_of_f16(load_u16(block + 208)) * (float)(int8_t)block[192 + i];
    }
    return;
  case QUERN_CODES_IQ4_XS:
    for (int run = 0; run < 8; run++) {
      scales[run] = f32_of_f16(load_u16(block)) * (float)iq4_xs_scale(block, run);
    }
    return;
  }
}

// MARK: Codes

/// Element j low and j + count/2 high in byte j; `mapped` turns codes into stored ones.
static void store_halves(const uint8_t *codes, int count, const uint8_t *mapped, uint8_t *bytes) {
  int half = count / 2;
  for (int j = 0; j < half; j++) {
    uint8_t low = codes[j], high = codes[j + half];
    if (mapped) {
      low = mapped[low];
      high = mapped[high];
    }
    bytes[j] = (uint8_t)((low & 15) | high << 4);
  }
}

static void store_q5_k(const uint8_t *codes, uint8_t *block) {
  for (int i = 0; i < 32; i++) {
    uint8_t bits = 0;
    for (int run = 0; run < 8; run++) bits |= (uint8_t)(codes[32 * run + i] >> 4 << run);
    block[16 + i] = bits;
  }
  for (int k = 0; k < 4; k++) store_halves(codes + 64 * k, 64, NULL, block + 48 + 32 * k);
}

static void store_q6_k(const uint8_t *codes, uint8_t *block) {
  for (int half = 0; half < 2; half++) {
    const uint8_t *from = codes + 128 * half;
    for (int i = 0; i < 32; i++) {
      uint8_t a = from[i], b = from[32 + i], c = from[64 + i], d = from[96 + i];
      block[64 * half + i] = (uint8_t)((a & 15) | c << 4);
      block[64 * half + 32 + i] = (uint8_t)((b & 15) | d << 4);
      block[128 + 32 * half + i] = (uint8_t)(a >> 4 | b >> 4 << 2 | c >> 4 << 4 | d >> 4 << 6);
    }
  }
}

void quern_store_codes(quern_code_format format, const uint8_t *codes, uint8_t *block) {
  switch (format) {
  case QUERN_CODES_Q8_0:
    for (int i = 0; i < 32; i++) block[2 + i] = codes[i] ^ 0x80;
    return;
  case QUERN_CODES_Q4_0:
  case QUERN_CODES_IQ4_NL: store_halves(codes, 32, NULL, block + 2); return;
  case QUERN_CODES_Q4_1: store_halves(codes, 32, NULL, block + 4); return;
  case QUERN_CODES_Q5_0: store_five_bits(codes, block + 2); return;
  case QUERN_CODES_Q5_1: store_five_bits(codes, block + 4); return;
  case QUERN_CODES_MXFP4: store_halves(codes, 32, fp4_codes, block + 1); return;
  case QUERN_CODES_NVFP4:
    for (int k = 0; k < 4; k++) store_halves(codes + 16 * k, 16, fp4_codes, block + 4 + 8 * k);
    return;
  case QUERN_CODES_Q4_K:
    for (int k = 0; k < 4; k++) store_halves(codes + 64 * k, 64, NULL, block + 16 + 32 * k);
    return;
  case QUERN_CODES_Q5_K: store_q5_k(codes, block); return;
  case QUERN_CODES_Q6_K: store_q6_k(codes, block); return;
  case QUERN_CODES_IQ4_XS:
    for (int k = 0; k < 8; k++) store_halves(codes + 32 * k, 32, NULL, block + 8 + 16 * k);
    return;
  }
}
