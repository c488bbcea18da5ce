/// Single numbers: bit patterns, F16, the FP4 grid. Everything here is exact or rounds once.
#ifndef QUERN_NUMBERS_H
#define QUERN_NUMBERS_H

#include <stdint.h>
#include <string.h>

/// Elements of every block format here, and of one E8M0 scale of the FP4 grid.
enum { BLOCK_ELEMENTS = 32, Q8_0_BYTES = 34, Q4_0_BYTES = 18, MXFP4_BYTES = 17, PACKED_BYTES = 16 };

static const uint32_t magnitude_mask = 0x7fffffff;

static inline uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint16_t load_u16(const uint8_t *bytes) {
  return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline void store_u16(uint8_t *bytes, uint16_t value) {
  bytes[0] = (uint8_t)value;
  bytes[1] = (uint8_t)(value >> 8);
}

/// Exact. A NaN keeps sign and payload and becomes quiet, as the conversion instructions do.
static inline float f32_of_f16(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t exponent = half >> 10 & 31, mantissa = half & 0x3ff;
  if (exponent == 0) return float_of(sign | bits_of((float)mantissa * 0x1p-24f));
  if (exponent < 31) return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
  return float_of(sign | 0x7f800000 | mantissa << 13 | (mantissa ? 0x00400000 : 0));
}

/// To nearest even; 65520 and more become infinity, subnormals are kept.
static inline uint16_t f16_of_f32(float value) {
  uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000, magnitude = bits & magnitude_mask;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
  if (magnitude < 0x38800000) {
    // The last bit of a float32 in [0.5, 1) is worth 2^-24, the step of the F16 subnormals: the
    // addition rounds to that step.
    float shifted = float_of(magnitude) + 0.5f;
    return (uint16_t)(sign | (bits_of(shifted) - 0x3f000000));
  }
  magnitude += 0xfff + (magnitude >> 13 & 1);
  return (uint16_t)(sign | (magnitude - 0x38000000) >> 13);
}

/// To nearest even, for finite values.
static inline uint16_t bf16_of_f32(float value) {
  uint32_t bits = bits_of(value);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// Twice the value of each FP4 code, so that all are integers; code 8 is −0.
static const int8_t e2m1_doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// What the doubled codes are multiples of under the scale byte `e`: half of E8M0's 2^(e − 127).
/// Subnormal for 0 and 1; NaN for 255.
static inline float e2m1_unit(uint8_t e) {
  if (e == 255) return float_of(0x7fc00000);
  return e < 2 ? float_of(0x00200000u << e) : float_of((uint32_t)(e - 1) << 23);
}

/// ⌊log2f(value)⌋ of a positive value, log2f being the logarithm rounded to float32; values below
/// 2^-126 give −127.
///
/// The logarithm of a value just below 2^k rounds to k when it misses k by less than half a step
/// of float32 at k. With m the distance in last places, it misses by m · 2^-24 / ln 2, and steps
/// below k are 2^p · 2^-23 wide for p = ⌊log2 |k|⌋ (of k − 1 where k > 0): m up to 2^p · ln 2
/// counts. The reference encoders of MXFP4 take exponents this way.
static inline int floor_log2_rounded(float value) {
  static const uint8_t counted[8] = {0, 1, 2, 5, 11, 22, 44, 88};
  uint32_t bits = bits_of(value);
  int next = (int)(bits >> 23) - 126;
  uint32_t distance = 0x800000 - (bits & 0x7fffff);
  uint32_t size = (uint32_t)(next > 0 ? next - 1 : -next);
  uint32_t rounded_up = size == 0 ? 0 : counted[31 - __builtin_clz(size)];
  return distance <= rounded_up ? next : next - 1;
}

#endif
