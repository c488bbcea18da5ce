// Compares every kernel level of the machine it runs on with the scalar definition, byte for byte.
// For architectures on which the Swift tests cannot run; see neon.sh.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quern_kernels.h"

enum { COUNT = 32 * 1024, BYTES = 2 * COUNT };

static uint64_t state = 1;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

/// Finite values of all magnitudes; every fourth block on a half grid, so that ties occur.
static float value(int block) {
  uint32_t bits = (uint32_t)next();
  float number;
  if (block % 4 == 0) return (float)((int)(bits % 33) - 16) / 2;
  if (block % 4 == 1) bits = (bits & 0x807fffff) | (uint32_t)(block % 250 + 1) << 23;
  if ((bits & 0x7f800000) == 0x7f800000) bits &= 0xff7fffff;
  memcpy(&number, &bits, sizeof number);
  return number;
}

static int failures;
static void expect(const char *name, const void *left, const void *right, size_t size) {
  if (memcmp(left, right, size) == 0) return;
  failures++;
  printf("  %s differs from the definition\n", name);
}

static float rows[COUNT], first[COUNT], second[COUNT];
static uint8_t noise[BYTES], packed[COUNT / 2], scales[COUNT / 32], one[BYTES], other[BYTES];

#define ENCODE(name, source, bytes)                         \
  do {                                                      \
    scalar->name(source, one, COUNT);                       \
    level->name(source, other, COUNT);                      \
    expect(#name, one, other, bytes);                       \
  } while (0)
#define ENCODE_GRID(name, bytes)                            \
  do {                                                      \
    scalar->name(packed, scales, one, COUNT);               \
    level->name(packed, scales, other, COUNT);              \
    expect(#name, one, other, bytes);                       \
  } while (0)
#define DECODE(name)                                        \
  do {                                                      \
    scalar->name(noise, first, COUNT);                      \
    level->name(noise, second, COUNT);                      \
    expect(#name, first, second, sizeof first);             \
  } while (0)

static void check_conversions(const quern_kernels *scalar, const quern_kernels *level) {
  ENCODE(bf16_from_f32, rows, 2 * COUNT);
  ENCODE(f16_from_f32, rows, 2 * COUNT);
  ENCODE(q8_0_from_f32, rows, COUNT / 32 * 34);
  ENCODE(q4_0_from_f32, rows, COUNT / 32 * 18);
  ENCODE(mxfp4_from_f32, rows, COUNT / 32 * 17);
  ENCODE_GRID(mxfp4_from_e2m1, COUNT / 32 * 17);
  ENCODE_GRID(q8_0_from_e2m1, COUNT / 32 * 34);
  ENCODE_GRID(q4_0_from_e2m1, COUNT / 32 * 18);
  DECODE(f32_from_bf16);
  DECODE(f32_from_f16);
  DECODE(f32_from_q8_0);
  DECODE(f32_from_q4_0);
  DECODE(f32_from_mxfp4);
  scalar->f32_from_e2m1(packed, scales, first, COUNT);
  level->f32_from_e2m1(packed, scales, second, COUNT);
  expect("f32_from_e2m1", first, second, sizeof first);
  scalar->f32_from_fp8(noise, rows, rows + 256, 100, first, COUNT);
  level->f32_from_fp8(noise, rows, rows + 256, 100, second, COUNT);
  expect("f32_from_fp8", first, second, sizeof first);
}

static void check_comparisons(const quern_kernels *scalar, const quern_kernels *level) {
  for (int i = 0; i < COUNT; i++) first[i] = i % 3 ? rows[i] * 1e-20f : 0;
  quern_comparison slow = {.unequal = 3}, fast = slow;
  scalar->compare(rows, first, 5, COUNT - 9, &slow);
  level->compare(rows, first, 5, COUNT - 9, &fast);
  expect("compare", &slow, &fast, sizeof slow);
  for (int round = 0; round < 200; round++) {
    size_t start = next() % 900, count = 32 * (next() % 100);
    const uint8_t *codes = packed + 16 * start, *e = scales + start;
    slow = fast = (quern_comparison){.signal = {round % 2 ? 0.1 : 0}};
    scalar->mxfp4_from_e2m1(codes, e, one, count);
    if (round % 4 == 3) one[next() % 50] ^= 1;
    bool slow_equal = scalar->compare_e2m1_mxfp4(codes, e, one, 0, count, &slow);
    bool fast_equal = level->compare_e2m1_mxfp4(codes, e, one, 0, count, &fast);
    expect("compare_e2m1_mxfp4", &slow_equal, &fast_equal, sizeof slow_equal);
    expect("compare_e2m1_mxfp4", &slow, &fast, sizeof slow);
    scalar->q8_0_from_e2m1(codes, e, one, count);
    if (round % 4 == 3) one[next() % 50] ^= 1;
    slow_equal = scalar->compare_e2m1_q8_0(codes, e, one, 0, count, &slow);
    fast_equal = level->compare_e2m1_q8_0(codes, e, one, 0, count, &fast);
    expect("compare_e2m1_q8_0", &slow_equal, &fast_equal, sizeof slow_equal);
    expect("compare_e2m1_q8_0", &slow, &fast, sizeof slow);
  }
}

static void check_searches(const quern_kernels *scalar, const quern_kernels *level) {
  for (int i = 0; i < 300; i++) {
    memcpy(first, rows, 300 * sizeof first[0]);
    first[i] = i % 2 ? -__builtin_inff() : __builtin_nanf("");
    size_t found = level->first_non_finite(first, 300);
    expect("first_non_finite", &found, &(size_t){(size_t)i}, sizeof found);
  }
  for (size_t size = 0; size < BYTES; size += size < 3000 ? 67 : 4999) {
    scalar->blake3(noise, size, one);
    level->blake3(noise, size, other);
    expect("blake3", one, other, 32);
  }
}

int main(void) {
  for (int i = 0; i < COUNT; i++) rows[i] = value(i / 32);
  for (int i = 0; i < BYTES; i++) noise[i] = (uint8_t)next();
  for (int i = 0; i < COUNT / 2; i++) packed[i] = (uint8_t)(next() & (i / 16 % 3 ? 0xff : 0xbb));
  for (int i = 0; i < COUNT / 32; i++)
    scales[i] = (uint8_t)(i < 600 ? 115 + next() % 7 : next() % 255);
  const quern_kernels *scalar = quern_kernels_at(QUERN_LEVEL_SCALAR);
  int levels = 0;
  for (int number = QUERN_LEVEL_V3; number <= QUERN_LEVEL_NEON; number++) {
    const quern_kernels *level = quern_kernels_at((quern_level)number);
    if (!level) continue;
    levels++;
    printf("level %d\n", number);
    check_conversions(scalar, level);
    check_comparisons(scalar, level);
    check_searches(scalar, level);
  }
  printf("%d levels, %d failures\n", levels, failures);
  return failures != 0 || levels == 0;
}
