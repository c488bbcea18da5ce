/// Sixteen elements at once, as vector types that any level compiles, and the few operations on
/// them that need an instruction by name.
#ifndef QUERN_LANES16_H
#define QUERN_LANES16_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <arm_neon.h>
#endif

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef int8_t signed_bytes16 __attribute__((vector_size(16)));
typedef float floats16 __attribute__((vector_size(64)));
typedef int32_t ints16 __attribute__((vector_size(64)));
typedef uint32_t uints16 __attribute__((vector_size(64)));

static inline bytes16 load16(const void *bytes) {
  bytes16 value;
  memcpy(&value, bytes, 16);
  return value;
}

static inline floats16 load_floats(const float *values) {
  floats16 lanes;
  memcpy(&lanes, values, sizeof lanes);
  return lanes;
}

static inline void store_floats(float *values, floats16 lanes) {
  memcpy(values, &lanes, sizeof lanes);
}

/// The low byte of each integer.
static inline bytes16 low_bytes(ints16 values) {
#if defined(__x86_64__) && LANES == 8
  // AVX2 has no truncation, and what it is replaced by is three times as long as this.
  ints16 bytes = values & 255;
  __m256i halves[2];
  memcpy(halves, &bytes, sizeof halves);
  __m256i words = _mm256_packus_epi32(halves[0], halves[1]);
  __m256i packed = _mm256_packus_epi16(words, words);
  __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
  return (bytes16)_mm256_castsi256_si128(_mm256_permutevar8x32_epi32(packed, order));
#else
  return __builtin_convertvector(values, bytes16);
#endif
}

/// The largest of sixteen integers.
static inline uint32_t largest_of(uints16 values) { return __builtin_reduce_max(values); }

/// table[i] for every index, all below 16.
static inline bytes16 lookup16(bytes16 table, bytes16 indices) {
#if defined(__x86_64__)
  return (bytes16)_mm_shuffle_epi8((__m128i)table, (__m128i)indices);
#else
  return (bytes16)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)indices);
#endif
}

/// lanes[i] += lanes[i + h] for h = 8, 4, 2, 1.
static inline float sum_by_halves(floats16 all) {
  typedef float eight __attribute__((vector_size(32)));
  typedef float four __attribute__((vector_size(16)));
  eight a = __builtin_shufflevector(all, all, 0, 1, 2, 3, 4, 5, 6, 7) +
            __builtin_shufflevector(all, all, 8, 9, 10, 11, 12, 13, 14, 15);
  four b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
  return (b[0] + b[2]) + (b[1] + b[3]);
}

typedef uint64_t pair __attribute__((vector_size(16)));

/// The sums of bytes 0–7 and 8–15.
static inline pair sums_of_halves(bytes16 values) {
#if defined(__x86_64__)
  return (pair)_mm_sad_epu8((__m128i)values, _mm_setzero_si128());
#else
  return (pair)vpaddlq_u32(vpaddlq_u16(vpaddlq_u8((uint8x16_t)values)));
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
