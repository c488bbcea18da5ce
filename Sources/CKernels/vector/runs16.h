/// Sixteen runs of elements side by side: lane j of every vector belongs to run j, and does what a
/// plain loop over that run would do, in the same order. The scalar level is therefore the same text,
/// compiled for the least CPU, and the bytes of all levels are the same. Where a product and a sum
/// are rounded once, that is written (`fused16`), never left to the compiler.
#ifndef QUERN_VECTOR_RUNS16_H
#define QUERN_VECTOR_RUNS16_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../numbers.h"

typedef float floats16 __attribute__((vector_size(64)));
typedef int32_t ints16 __attribute__((vector_size(64)));
typedef uint32_t uints16 __attribute__((vector_size(64)));
typedef uint8_t bytes16 __attribute__((vector_size(16)));

#define RUNS_INLINE static inline __attribute__((always_inline))

RUNS_INLINE floats16 all16(float value) { return (floats16){0} + value; }

/// a where the mask is set, elsewhere b.
RUNS_INLINE floats16 pick16(ints16 mask, floats16 a, floats16 b) {
  return (floats16)((mask & (ints16)a) | (~mask & (ints16)b));
}

RUNS_INLINE floats16 larger16(floats16 a, floats16 b) { return pick16(a > b, a, b); }
RUNS_INLINE floats16 smaller16(floats16 a, floats16 b) { return pick16(a < b, a, b); }
RUNS_INLINE floats16 magnitude16(floats16 a) {
  return (floats16)((ints16)a & (int32_t)magnitude_mask);
}

/// a·b + c, rounded once.
RUNS_INLINE floats16 fused16(floats16 a, floats16 b, floats16 c) {
  return __builtin_elementwise_fma(a, b, c);
}

/// To the nearest integer, ties to even, for magnitudes below 2^22.
RUNS_INLINE floats16 nearest16(floats16 a) { return (a + 0x1.8p23f) - 0x1.8p23f; }

RUNS_INLINE floats16 clamped16(floats16 a, float least, float most) {
  return smaller16(larger16(a, all16(least)), all16(most));
}

/// The integer in a float32 to which 1.5 · 2^23 was added, within bounds. There the order of floats
/// is that of the bit patterns: clamping these takes other instructions than the arithmetic around
/// it, and whatever lies far outside, infinite even, clamps to the same bounds.
RUNS_INLINE floats16 integer_within16(floats16 shifted, int32_t least, int32_t most) {
  ints16 bits = (ints16)shifted;
  bits = __builtin_elementwise_max(bits, (ints16){0} + (0x4b400000 + least));
  bits = __builtin_elementwise_min(bits, (ints16){0} + (0x4b400000 + most));
  return (floats16)bits - 0x1.8p23f;
}

/// The integer nearest to a, ties to even, within bounds.
RUNS_INLINE floats16 nearest_within16(floats16 a, int32_t least, int32_t most) {
  return integer_within16(a + 0x1.8p23f, least, most);
}

/// The integer nearest to the exact a·b, ties to even, within bounds.
RUNS_INLINE floats16 nearest_product16(floats16 a, floats16 b, int32_t least, int32_t most) {
  return integer_within16(fused16(a, b, all16(0x1.8p23f)), least, most);
}

/// 1/a; 0 where a is 0 or next to nothing beside the numbers about 1 that runs are scaled to.
RUNS_INLINE floats16 inverse16(floats16 a) {
  return pick16(magnitude16(a) >= 0x1p-100f, 1.0f / a, all16(0));
}

/// a/b, and 0 where that is not finite.
RUNS_INLINE floats16 quotient16(floats16 a, floats16 b) {
  floats16 quotient = a / b;
  return pick16(magnitude16(quotient) < __builtin_inff(), quotient, all16(0));
}

/// To the nearest F16 value, ties to even, at most 65504 in magnitude.
RUNS_INLINE floats16 storable16(floats16 a) {
  uints16 magnitude = (uints16)magnitude16(a), sign = (uints16)a & ~magnitude_mask;
  uints16 normal = (magnitude + 0xfff + (magnitude >> 13 & 1)) & 0xffffe000;
  floats16 subnormal = ((floats16)magnitude + 0.5f) - 0.5f;
  floats16 rounded = pick16((ints16)magnitude < 0x38800000, subnormal, (floats16)normal);
  return (floats16)((uints16)smaller16(rounded, all16(65504.0f)) | sign);
}

#define SWAPPED16(a, d)                                                                            \
  __builtin_shufflevector(a, a, 0 ^ d, 1 ^ d, 2 ^ d, 3 ^ d, 4 ^ d, 5 ^ d, 6 ^ d, 7 ^ d, 8 ^ d,     \
                          9 ^ d, 10 ^ d, 11 ^ d, 12 ^ d, 13 ^ d, 14 ^ d, 15 ^ d)

/// In each lane the sum over the eight lanes of its half, added in pairs of pairs.
RUNS_INLINE floats16 sum_of_eight(floats16 a) {
  a += SWAPPED16(a, 4);
  a += SWAPPED16(a, 2);
  return a + SWAPPED16(a, 1);
}

RUNS_INLINE floats16 sum_of_sixteen(floats16 a) { return sum_of_eight(a + SWAPPED16(a, 8)); }

RUNS_INLINE floats16 largest_of_eight(floats16 a) {
  a = larger16(a, SWAPPED16(a, 4));
  a = larger16(a, SWAPPED16(a, 2));
  return larger16(a, SWAPPED16(a, 1));
}

/// In each lane the largest of the lanes that share its block: 1, 8 or 16.
RUNS_INLINE floats16 largest_of_block(floats16 a, int lanes_per_block) {
  if (lanes_per_block == 16) a = larger16(a, SWAPPED16(a, 8));
  return lanes_per_block > 1 ? largest_of_eight(a) : a;
}

/// Transposes 16 rows of 16 in place: four rounds of interleaving rows i and i + 8.
#define TRANSPOSE16(type, rows)                                                                    \
  for (int round = 0; round < 4; round++) {                                                        \
    type mixed[16];                                                                                \
    for (int i = 0; i < 8; i++) {                                                                  \
      type a = (rows)[i], b = (rows)[i + 8];                                                       \
      mixed[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,    \
                                             22, 7, 23);                                           \
      mixed[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,   \
                                                 29, 14, 30, 15, 31);                              \
    }                                                                                              \
    for (int i = 0; i < 16; i++) (rows)[i] = mixed[i];                                             \
  }

RUNS_INLINE void transpose_bytes16(bytes16 rows[16]) { TRANSPOSE16(bytes16, rows) }

/// The low bytes of sixteen integral floats, plus `offset`.
RUNS_INLINE bytes16 bytes_of16(floats16 integers, float offset) {
  return __builtin_convertvector(__builtin_convertvector(integers + offset, ints16), bytes16);
}

#endif
