/// Vectors of as many 128-bit parts as the level has, each part a block of the FP4 grid.
#ifndef QUERN_PARTS_H
#define QUERN_PARTS_H

#include "lanes16.h"

enum { PARTS = LANES / 4 };

typedef uint8_t wide_bytes __attribute__((vector_size(16 * PARTS)));
typedef uint16_t wide_shorts __attribute__((vector_size(16 * PARTS)));
typedef uint32_t word_quad __attribute__((vector_size(16)));
typedef uint32_t wide_words __attribute__((vector_size(16 * PARTS)));

/// The same sixteen bytes in every part.
static inline wide_bytes repeated(bytes16 bytes) {
  wide_bytes parts;
  for (int r = 0; r < PARTS; r++) memcpy((uint8_t *)&parts + 16 * r, &bytes, 16);
  return parts;
}

/// Sixteen bytes for each part, `stride` bytes apart.
static inline wide_bytes load_parts(const uint8_t *bytes, size_t stride) {
  bytes16 first = load16(bytes);
#if LANES == 4
  (void)stride;
  return first;
#else
#define SIXTEEN 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define SECOND_SIXTEEN 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
#define JOINED(a, b) __builtin_shufflevector(a, b, SIXTEEN, SECOND_SIXTEEN)
  bytes16 second = load16(bytes + stride);
#if LANES == 8
  return JOINED(first, second);
#else
  bytes16 third = load16(bytes + 2 * stride), fourth = load16(bytes + 3 * stride);
  return __builtin_shufflevector(JOINED(first, second), JOINED(third, fourth), SIXTEEN,
                                 SECOND_SIXTEEN, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
                                 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
                                 62, 63);
#endif
#undef JOINED
#undef SECOND_SIXTEEN
#undef SIXTEEN
#endif
}

#if defined(__x86_64__)
#if LANES == 16
#define NAMED(operation, a, b) _mm512_##operation((__m512i)(a), (__m512i)(b))
#else
#define NAMED(operation, a, b) _mm256_##operation((__m256i)(a), (__m256i)(b))
#endif
#endif

/// table[i] for every index, all below 16, within each part.
static inline wide_bytes lookup_parts(wide_bytes table, wide_bytes indices) {
#if defined(__x86_64__)
  return (wide_bytes)NAMED(shuffle_epi8, table, indices);
#else
  return lookup16(table, indices);
#endif
}

/// The sums of bytes 2·j and 2·j + 1.
static inline wide_shorts sums_of_pairs(wide_bytes bytes) {
#if defined(__x86_64__)
  return (wide_shorts)NAMED(maddubs_epi16, bytes, (wide_bytes){0} + 1);
#else
  return vpaddlq_u8(bytes);
#endif
}

/// Element j of a times the weight of a, plus the same of b, for the lower (0–3) or the upper (4–7)
/// elements of each part. A pair of weights is one word, a's low; all are below 2^15.
static inline wide_words weighted_sums(wide_shorts a, wide_shorts b, wide_words weights,
                                       int upper) {
#if defined(__x86_64__)
  wide_shorts pairs =
    (wide_shorts)(upper ? NAMED(unpackhi_epi16, a, b) : NAMED(unpacklo_epi16, a, b));
  return (wide_words)NAMED(madd_epi16, pairs, weights);
#else
  wide_words pairs = (wide_words)(upper ? vzip2q_u16(a, b) : vzip1q_u16(a, b));
  return (pairs & 0xffff) * (weights & 0xffff) + (pairs >> 16) * (weights >> 16);
#endif
}

/// 2 · PARTS weights as pairs: those of part r are elements r and PARTS + r.
static inline wide_words weight_pairs(const uint16_t *weights) {
#if LANES == 4
  uint32_t both;
  memcpy(&both, weights, sizeof both);
  return (wide_words){0} + both;
#else
  uint16_t paired __attribute__((vector_size(16))) = {0};
  memcpy(&paired, weights, 4 * PARTS);
#if LANES == 8
  word_quad words = (word_quad)__builtin_shufflevector(paired, paired, 0, 2, 1, 3, 4, 5, 6, 7);
  return __builtin_shufflevector(words, words, 0, 0, 0, 0, 1, 1, 1, 1);
#else
  word_quad words = (word_quad)__builtin_shufflevector(paired, paired, 0, 4, 1, 5, 2, 6, 3, 7);
  return __builtin_shufflevector(words, words, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
#endif
#endif
}

#endif
