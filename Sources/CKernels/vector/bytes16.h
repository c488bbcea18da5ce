/// Sixteen bytes at once: the few operations that no plain loop compiles to.
#ifndef QUERN_BYTES16_H
#define QUERN_BYTES16_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <arm_neon.h>
#endif

typedef uint8_t bytes16 __attribute__((vector_size(16)));

static inline bytes16 load16(const void *bytes) {
  bytes16 value;
  memcpy(&value, bytes, 16);
  return value;
}

/// table[i] for every index, all below 16.
static inline bytes16 lookup16(bytes16 table, bytes16 indices) {
#if defined(__x86_64__)
  return (bytes16)_mm_shuffle_epi8((__m128i)table, (__m128i)indices);
#else
  return (bytes16)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)indices);
#endif
}

static inline uint32_t sum16(bytes16 values) {
#if defined(__x86_64__)
  __m128i halves = _mm_sad_epu8((__m128i)values, _mm_setzero_si128());
  return (uint32_t)(_mm_cvtsi128_si64(halves) + _mm_extract_epi64(halves, 1));
#else
  return vaddlvq_u8((uint8x16_t)values);
#endif
}

/// Whether every byte is zero.
static inline int is_zero16(bytes16 values) {
  uint64_t halves[2];
  memcpy(halves, &values, 16);
  return (halves[0] | halves[1]) == 0;
}

/// The codes of a released FP4 block, elements 0–15 and 16–31.
typedef struct grid_codes {
  bytes16 low, high;
} grid_codes;

static inline grid_codes load_grid_codes(const uint8_t *packed) {
  bytes16 bytes = load16(packed), even = bytes & 15, odd = bytes >> 4;
  return (grid_codes){
    __builtin_shufflevector(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
    __builtin_shufflevector(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                            31),
  };
}

#endif
