#pragma STDC FP_CONTRACT OFF

#include "optimal_blocks.h"

#include "scalar.h"

#define ONES_16 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
const float quern_equal_weights[LARGEST_GROUP] = {
  ONES_16, ONES_16, ONES_16, ONES_16, ONES_16, ONES_16, ONES_16, ONES_16,
};

/// The code of a number under a scale: an integer of the format, or a count of thresholds with the
/// sign of the side.
static int nearest_code(const optimal_format *format, float value, optimal_scale scale) {
  double d = scale_of_ordinal(format->scale, scale.ordinal);
  bool is_other = (value < 0) != (scale.negative != 0);
  float magnitude = fabsf(value);
  int code = 0;
  if (format->is_table) {
    const table_side *side = is_other ? &format->other : &format->same;
    for (int k = 0; k < TABLE_STEPS; k++) code += (double)magnitude > side->thresholds[k] * d;
  } else {
    code = (int)nearest_magnitude(format, magnitude, d, is_other);
  }
  return is_other ? -code : code;
}

static uint16_t f16_bits(optimal_scale scale) {
  return (uint16_t)(scale.ordinal | scale.negative << 15);
}

/// Blocks that decode to zeros are stored as the reference encoder stores a block of zeros: with a
/// scale of −0.
static uint16_t f16_bits_or_minus_zero(optimal_scale scale) {
  return scale.ordinal == 0 ? 0x8000 : f16_bits(scale);
}

static void write_q4_0(const float *values, optimal_scale scale, uint8_t *block) {
  store_u16(block, f16_bits_or_minus_zero(scale));
  for (int k = 0; k < 16; k++) {
    int low = nearest_code(&optimal_q4_0, values[k], scale) + 8;
    int high = nearest_code(&optimal_q4_0, values[k + 16], scale) + 8;
    block[2 + k] = (uint8_t)(low | high << 4);
  }
}

static void write_q5_0(const float *values, optimal_scale scale, uint8_t *block) {
  store_u16(block, f16_bits_or_minus_zero(scale));
  uint32_t fifth = 0;
  for (int k = 0; k < 16; k++) {
    uint32_t low = (uint32_t)(nearest_code(&optimal_q5_0, values[k], scale) + 16);
    uint32_t high = (uint32_t)(nearest_code(&optimal_q5_0, values[k + 16], scale) + 16);
    block[6 + k] = (uint8_t)((low & 15) | (high & 15) << 4);
    fifth |= low >> 4 << k | high >> 4 << (k + 16);
  }
  store_u16(block + 2, (uint16_t)fifth);
  store_u16(block + 4, (uint16_t)(fifth >> 16));
}

/// Codes ascend with the values: 8 stands for 1, the smallest of the scale's sign.
static void write_iq4_nl(const float *values, optimal_scale scale, uint8_t *block) {
  store_u16(block, f16_bits(scale));
  for (int k = 0; k < 16; k++) {
    int low = 8 + (scale.ordinal ? nearest_code(&optimal_iq4_nl, values[k], scale) : 0);
    int high =
      8 + (scale.ordinal ? nearest_code(&optimal_iq4_nl, values[k + 16], scale) : 0);
    block[2 + k] = (uint8_t)(low | high << 4);
  }
}

/// Sign and magnitude; −0 is never written.
static uint8_t fp4_code(const optimal_format *format, float value, optimal_scale scale) {
  int code = nearest_code(format, value, scale);
  return (uint8_t)(code < 0 ? 8 - code : code);
}

static void write_mxfp4(const float *values, optimal_scale scale, uint8_t *block) {
  block[0] = (uint8_t)scale.ordinal;
  for (int k = 0; k < 16; k++) {
    uint8_t low = fp4_code(&optimal_mxfp4, values[k], scale);
    uint8_t high = fp4_code(&optimal_mxfp4, values[k + 16], scale);
    block[1 + k] = (uint8_t)(low | high << 4);
  }
}

/// Sixteen values of a block, of which `codes` are the eight bytes.
static void write_nvfp4_group(const float *values, optimal_scale scale, uint8_t *scale_byte,
                              uint8_t *codes) {
  *scale_byte = (uint8_t)scale.ordinal;
  for (int k = 0; k < 8; k++) {
    bool is_zero = scale.ordinal == 0;
    uint8_t low = is_zero ? 0 : fp4_code(&optimal_nvfp4, values[k], scale);
    uint8_t high = is_zero ? 0 : fp4_code(&optimal_nvfp4, values[k + 8], scale);
    codes[k] = (uint8_t)(low | high << 4);
  }
}

/// F16 formats: a scale that must be infinite is stored as that, over codes of zero, for the caller
/// to find and refuse.
static void encode_f16_block(const optimal_format *format, block_writer write, const float *values,
                             const float *weights, uint8_t *block) {
  float overflow = f16_overflow(format->is_table ? 127 : format->lowest);
  for (int i = 0; i < BLOCK_ELEMENTS; i++)
    if (fabsf(values[i]) >= overflow) {
      static const float zeros[BLOCK_ELEMENTS];
      return write(zeros, (optimal_scale){F16_INFINITY, 0}, block);
    }
  const float *effective = effective_weights(weights, BLOCK_ELEMENTS);
  write(values, quern_optimal_scale(format, values, effective, BLOCK_ELEMENTS), block);
}

#define F16_BLOCKS(name, NAME)                                                                     \
  void quern_scalar_##name##_optimally(const float *source, const float *weights, uint8_t *blocks, \
                                       size_t count) {                                             \
    for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += NAME##_BYTES)                     \
      encode_f16_block(&optimal_##name, write_##name, source + i,                      \
                       weights ? weights + i : NULL, blocks);                                      \
  }

F16_BLOCKS(q4_0, Q4_0)
F16_BLOCKS(q5_0, Q5_0)
F16_BLOCKS(iq4_nl, IQ4_NL)

void quern_scalar_mxfp4_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += MXFP4_BYTES) {
    const float *effective = effective_weights(weights ? weights + i : NULL, BLOCK_ELEMENTS);
    optimal_scale scale =
      quern_optimal_scale(&optimal_mxfp4, source + i, effective, BLOCK_ELEMENTS);
    write_mxfp4(source + i, scale, blocks);
  }
}

void quern_scalar_nvfp4_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count) {
  for (size_t i = 0; i < count; i += NVFP4_GROUP) {
    uint8_t *block = blocks + i / NVFP4_ELEMENTS * NVFP4_BYTES;
    size_t group = i % NVFP4_ELEMENTS / NVFP4_GROUP;
    const float *effective = effective_weights(weights ? weights + i : NULL, NVFP4_GROUP);
    optimal_scale scale =
      quern_optimal_scale(&optimal_nvfp4, source + i, effective, NVFP4_GROUP);
    write_nvfp4_group(source + i, scale, block + group, block + 4 + 8 * group);
  }
}
