/// Single numbers: bit patterns, F16, the FP4 grid. Everything here is exact or rounds once.
#ifndef QUERN_NUMBERS_H
#define QUERN_NUMBERS_H

#include <stdint.h>
#include <string.h>

/// Elements of most blocks, and of one E8M0 scale of the FP4 grid; of NVFP4's; of those of the K
/// formats and IQ4_XS.
enum { BLOCK_ELEMENTS = 32, NVFP4_ELEMENTS = 64, SUPER_ELEMENTS = 256 };

/// Bytes of a block.
enum {
  Q8_0_BYTES = 34,
  Q4_0_BYTES = 18,
  Q4_1_BYTES = 20,
  Q5_0_BYTES = 22,
  Q5_1_BYTES = 24,
  IQ4_NL_BYTES = 18,
  MXFP4_BYTES = 17,
  PACKED_BYTES = 16,
  NVFP4_BYTES = 36,
  Q4_K_BYTES = 144,
  Q5_K_BYTES = 176,
  Q6_K_BYTES = 210,
  IQ4_XS_BYTES = 136,
};

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

static inline uint32_t load_u32(const uint8_t *bytes) {
  return load_u16(bytes) | (uint32_t)load_u16(bytes + 2) << 16;
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

/// Half the value of an NVFP4 scale byte: what doubled codes are multiples of. E4M3 without its
/// sign, except that 0x7F is 0.
static inline float nvfp4_unit(uint8_t byte) {
  uint32_t exponent = byte >> 3 & 15, mantissa = byte & 7;
  if (byte == 0x7f) return 0;
  if (exponent == 0) return (float)mantissa * 0x1p-10f;
  return float_of((exponent + 119) << 23 | mantissa << 20);
}

/// The scale byte of a value ≥ 0: three bits of mantissa, the half rounded up. What rounds to 256
/// or more becomes 448, the largest.
static inline uint8_t nvfp4_scale(float value) {
  uint32_t bits = bits_of(value);
  if (bits < 0x3c800000) {
    uint8_t multiple = (uint8_t)(value * 512.0f + 0.5f);
    return multiple < 7 ? multiple : 7;
  }
  uint32_t byte = (bits + 0x80000 - 0x3c000000) >> 20;
  return (uint8_t)(byte < 0x78 ? byte : 0x7e);
}

/// The values of the codes of IQ4_NL and IQ4_XS.
static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};

/// Scale and minimum of 32 elements of a Q4_K or Q5_K block, six bits each.
typedef struct six_bit_pair {
  uint8_t scale, minimum;
} six_bit_pair;

/// The pair of a run of 32 from the 12 bytes that hold eight pairs: four whole ones, the upper two
/// bits of whose bytes belong to the other four.
static inline six_bit_pair six_bit_pair_at(const uint8_t *packed, int run) {
  if (run < 4) return (six_bit_pair){packed[run] & 63, packed[run + 4] & 63};
  uint8_t low = packed[run + 4];
  return (six_bit_pair){(uint8_t)((low & 15) | (packed[run - 4] >> 6 << 4)),
                        (uint8_t)(low >> 4 | (packed[run] >> 6 << 4))};
}

/// The scale of a run of 32 of an IQ4_XS block, from −32 to 31.
static inline int iq4_xs_scale(const uint8_t *block, int run) {
  int low = block[4 + run / 2] >> 4 * (run % 2) & 15;
  int high = load_u16(block + 2) >> 2 * run & 3;
  return (low | high << 4) - 32;
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

/// Codes of five bits: the fifth of each in 32 bits, the others in 16 bytes after them.
static inline void store_five_bits(const uint8_t codes[32], uint8_t *bytes) {
  memset(bytes, 0, 20);
  for (int k = 0; k < 32; k++) {
    bytes[k / 8] |= (uint8_t)(codes[k] >> 4 << k % 8);
    bytes[4 + k % 16] |= (uint8_t)((codes[k] & 15) << (k < 16 ? 0 : 4));
  }
}

#endif
