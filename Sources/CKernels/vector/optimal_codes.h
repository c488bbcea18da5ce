/// Codes under a known scale, as `scalar/optimal_blocks.c` writes them.
#ifndef QUERN_VECTOR_OPTIMAL_CODES_H
#define QUERN_VECTOR_OPTIMAL_CODES_H

#include "../scalar/optimal_blocks.h"
#include "optimal_tables.h"

typedef double doubles16 __attribute__((vector_size(128)));
typedef int64_t longs16 __attribute__((vector_size(128)));

/// The double `yes` where the mask is set.
static inline doubles16 selected(longs16 mask, double yes, doubles16 no) {
  return (doubles16)(((longs16)((doubles16){0} + yes) & mask) | ((longs16)no & ~mask));
}

/// The integers next to values ÷ scale, by way of `inverse` = 1/scale in double.
static inline ints16 rounded_codes(floats16 values, double inverse, double least, double most) {
  doubles16 scaled = __builtin_convertvector(values, doubles16) * inverse;
  doubles16 nearest = __builtin_elementwise_roundeven(scaled);
  nearest = selected(nearest < least, least, nearest);
  nearest = selected(nearest > most, most, nearest);
  return __builtin_convertvector(nearest, ints16);
}

/// 1/d with its sign; 0 under a scale of 0.
static inline double signed_inverse(optimal_scale scale) {
  double d = f32_of_f16((uint16_t)scale.ordinal);
  return scale.ordinal == 0 ? 0 : 1.0 / (scale.negative ? -d : d);
}

static inline uint16_t stored_half(optimal_scale scale) {
  return scale.ordinal == 0 ? 0x8000 : (uint16_t)(scale.ordinal | scale.negative << 15);
}

static inline void write_q4_0(const float *values, optimal_scale scale, uint8_t *block) {
  double inverse = signed_inverse(scale);
  ints16 low = rounded_codes(load_floats(values), inverse, -8, 7) + 8;
  ints16 high = rounded_codes(load_floats(values + 16), inverse, -8, 7) + 8;
  bytes16 both = low_bytes(low | high << 4);
  store_u16(block, stored_half(scale));
  memcpy(block + 2, &both, 16);
}

static inline void write_q5_0(const float *values, optimal_scale scale, uint8_t *block) {
  double inverse = signed_inverse(scale);
  ints16 low = rounded_codes(load_floats(values), inverse, -16, 15) + 16;
  ints16 high = rounded_codes(load_floats(values + 16), inverse, -16, 15) + 16;
  bytes16 both = low_bytes((low & 15) | (high & 15) << 4);
  uint32_t fifth = mask_of(low > 15) | mask_of(high > 15) << 16;
  store_u16(block, stored_half(scale));
  memcpy(block + 2, &fifth, 4);
  memcpy(block + 6, &both, 16);
}

/// `nearest_magnitude` of each element in a table, exactly.
static inline floats16 nearest_values(const optimal_format *format, floats16 magnitudes,
                                      float scale, ints16 is_other) {
  ints16 passed;
  return either(is_other, value_under(&format->other, magnitudes, scale, &passed),
                value_under(&format->same, magnitudes, scale, &passed));
}

/// Thresholds that magnitudes are above, with the sign of the side. Thresholds times scale are
/// exact in float32.
static inline ints16 table_codes(const optimal_format *format, floats16 values, float scale,
                                 uint32_t negative) {
  floats16 magnitudes = (floats16)((uints16)values & magnitude_mask);
  ints16 is_other = (ints16)(values < 0) ^ -(int32_t)negative;
  ints16 same = {0}, other = {0};
  for (int k = 0; k < TABLE_STEPS; k++) {
    same -= (ints16)(magnitudes > format->same.thresholds[k] * scale);
    other += (ints16)(magnitudes > format->other.thresholds[k] * scale);
  }
  return (same & ~is_other) | (other & is_other);
}

static inline void write_iq4_nl(const float *values, optimal_scale scale, uint8_t *block) {
  // Under a scale of 0 every code is 8.
  float d = scale.ordinal ? f32_of_f16((uint16_t)scale.ordinal) : INFINITY;
  ints16 low = 8 + table_codes(&optimal_iq4_nl, load_floats(values), d, scale.negative);
  ints16 high = 8 + table_codes(&optimal_iq4_nl, load_floats(values + 16), d, scale.negative);
  bytes16 both = low_bytes(low | high << 4);
  store_u16(block, (uint16_t)(scale.ordinal | scale.negative << 15));
  memcpy(block + 2, &both, 16);
}

static inline ints16 fp4_codes(floats16 values, float scale) {
  ints16 codes = table_codes(&optimal_mxfp4, values, scale, 0);
  ints16 is_negative = codes < 0;
  return (codes & ~is_negative) | ((8 - codes) & is_negative);
}

static inline void write_mxfp4(const float *values, optimal_scale scale, uint8_t *block) {
  float unit = e2m1_unit((uint8_t)scale.ordinal);
  bytes16 both = low_bytes(fp4_codes(load_floats(values), unit) |
                           fp4_codes(load_floats(values + 16), unit) << 4);
  block[0] = (uint8_t)scale.ordinal;
  memcpy(block + 1, &both, 16);
}

static inline void write_nvfp4_group(const float *values, optimal_scale scale, uint8_t *scale_byte,
                                     uint8_t *codes) {
  float d = scale.ordinal ? scale_of_ordinal(SCALE_UE4M3, scale.ordinal) : INFINITY;
  bytes16 all = low_bytes(fp4_codes(load_floats(values), d));
  *scale_byte = (uint8_t)scale.ordinal;
  for (int k = 0; k < 8; k++) codes[k] = (uint8_t)(all[k] | all[k + 8] << 4);
}

#endif
