// Compares every kernel level of the machine it runs on with the scalar definition, byte for byte.
// For architectures on which the Swift tests cannot run; see neon.sh.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quern_kernels.h"

/// Elements, those for the searches, and room for the blocks of any format.
enum { COUNT = 32 * 1024, SEARCHED = 8 * 1024, BYTES = 2 * COUNT };

static uint64_t state = 1;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

/// Finite values, of all magnitudes in the first half of the rows and like weights in the second;
/// every fourth block on a half grid, so that ties occur.
static float value(int block) {
  uint32_t bits = (uint32_t)next();
  float number;
  if (block % 4 == 0) return (float)((int)(bits % 33) - 16) / 2;
  if (block >= COUNT / 64) bits = (bits & 0x807fffff) | (uint32_t)(next() % 12 + 112) << 23;
  else if (block % 4 == 1) bits = (bits & 0x807fffff) | (uint32_t)(block % 250 + 1) << 23;
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

static float rows[COUNT], weights[COUNT], first[COUNT], second[COUNT];
static uint8_t noise[BYTES], packed[COUNT / 2], scales[COUNT / 32], one[BYTES], other[BYTES];

/// A block format: where its kernels are in the table, and the length of its blocks.
typedef struct block_format {
  const char *name;
  size_t offset, elements, bytes;
} block_format;

#define FORMAT(name, elements, bytes) {#name, offsetof(quern_kernels, name), elements, bytes}
static const block_format formats[] = {
  FORMAT(q8_0, 32, 34),   FORMAT(q4_0, 32, 18),   FORMAT(q4_1, 32, 20),  FORMAT(q5_0, 32, 22),
  FORMAT(q5_1, 32, 24),   FORMAT(iq4_nl, 32, 18), FORMAT(mxfp4, 32, 17), FORMAT(nvfp4, 64, 36),
  FORMAT(q4_k, 256, 144), FORMAT(q5_k, 256, 176), FORMAT(q6_k, 256, 210),
  FORMAT(iq4_xs, 256, 136),
};

static const quern_block_kernels *kernels_of(const quern_kernels *level, block_format format) {
  return (const quern_block_kernels *)((const char *)level + format.offset);
}

/// Of a sum of two NaNs, which one it keeps is the compiler's choice: all become the same here.
static void unify_nans(float *values) {
  for (int i = 0; i < COUNT; i++)
    if (values[i] != values[i]) values[i] = __builtin_nanf("");
}

static void expect_blocks(block_format format, const char *kernel, size_t count) {
  char name[64];
  snprintf(name, sizeof name, "%s.%s", format.name, kernel);
  expect(name, one, other, count / format.elements * format.bytes);
}

/// The searches for optimal scales take long and get fewer elements, from both halves of the rows.
static void check_block_format(block_format format, const quern_kernels *scalar_table,
                               const quern_kernels *level_table) {
  const quern_block_kernels *scalar = kernels_of(scalar_table, format);
  const quern_block_kernels *level = kernels_of(level_table, format);
  scalar->decode(noise, first, COUNT);
  level->decode(noise, second, COUNT);
  unify_nans(first);
  unify_nans(second);
  expect(format.name, first, second, sizeof first);
  scalar->reference(rows, one, COUNT);
  level->reference(rows, other, COUNT);
  expect_blocks(format, "reference", COUNT);
  for (int weighted = 0; weighted < 2; weighted++) {
    const float *importance = weighted ? weights : NULL, *middle = rows + (COUNT - SEARCHED) / 2;
    if (scalar->optimal) {
      scalar->optimal(middle, importance, one, SEARCHED);
      level->optimal(middle, importance, other, SEARCHED);
      expect_blocks(format, weighted ? "optimal, weighted" : "optimal", SEARCHED);
    }
    if (scalar->from_e2m1) {
      scalar->from_e2m1(packed, scales, importance, one, COUNT);
      level->from_e2m1(packed, scales, importance, other, COUNT);
      expect_blocks(format, weighted ? "from_e2m1, weighted" : "from_e2m1", COUNT);
    }
  }
}

#define ENCODE(name)                                        \
  do {                                                      \
    scalar->name(rows, one, COUNT);                         \
    level->name(rows, other, COUNT);                        \
    expect(#name, one, other, 2 * COUNT);                   \
  } while (0)
#define DECODE(name)                                        \
  do {                                                      \
    scalar->name(noise, first, COUNT);                      \
    level->name(noise, second, COUNT);                      \
    expect(#name, first, second, sizeof first);             \
  } while (0)

static void check_conversions(const quern_kernels *scalar, const quern_kernels *level) {
  ENCODE(bf16_from_f32);
  ENCODE(f16_from_f32);
  DECODE(f32_from_bf16);
  DECODE(f32_from_f16);
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
    check_block_format(formats[i], scalar, level);
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
    scalar->mxfp4.from_e2m1(codes, e, NULL, one, count);
    if (round % 4 == 3) one[next() % 50] ^= 1;
    bool slow_equal = scalar->compare_e2m1_mxfp4(codes, e, one, 0, count, &slow);
    bool fast_equal = level->compare_e2m1_mxfp4(codes, e, one, 0, count, &fast);
    expect("compare_e2m1_mxfp4", &slow_equal, &fast_equal, sizeof slow_equal);
    expect("compare_e2m1_mxfp4", &slow, &fast, sizeof slow);
    scalar->q8_0.from_e2m1(codes, e, NULL, one, count);
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

/// Rows of small weights, whose inputs are sums of neighbours.
static void check_gptq(const quern_kernels *scalar, const quern_kernels *level) {
  enum { WIDTH = 256, ROWS = 13 };
  static float hessian[WIDTH * WIDTH], damped[WIDTH * WIDTH], feedback[WIDTH * WIDTH];
  static float small[ROWS * WIDTH], pivots[WIDTH];
  static double work[WIDTH * WIDTH];
  static quern_gptq_workspace workspace;
  uint16_t order[WIDTH];
  for (int i = 0; i < WIDTH; i++) order[i] = (uint16_t)i;
  for (int i = 0; i < WIDTH * WIDTH; i++) {
    int distance = abs(i / WIDTH - i % WIDTH);
    hessian[i] = distance < 8 ? (float)(8 - distance) : 0;
  }
  for (int i = 0; i < ROWS * WIDTH; i++) small[i] = (float)(next() % 2001) * 1e-3f - 1;
  bool is_factored =
    quern_gptq_factorize(hessian, WIDTH, order, 0.01, work, damped, feedback, pivots);
  expect("quern_gptq_factorize", &is_factored, &(bool){true}, sizeof is_factored);
  quern_gptq_factor factor = {WIDTH, order, false, damped, feedback, pivots};
  quern_gptq_rows rows = {QUERN_CODES_Q4_0, scalar->q4_0.optimal, small, WIDTH, one, 144, ROWS, 2};
  scalar->gptq(&factor, &rows, &workspace);
  rows.optimal = level->q4_0.optimal;
  rows.blocks = other;
  level->gptq(&factor, &rows, &workspace);
  expect("gptq q4_0", one, other, ROWS * 144);
  rows = (quern_gptq_rows){QUERN_CODES_IQ4_NL, scalar->iq4_nl.optimal, small, WIDTH, one, 144, ROWS,
                           2};
  scalar->gptq(&factor, &rows, &workspace);
  rows.optimal = level->iq4_nl.optimal;
  rows.blocks = other;
  level->gptq(&factor, &rows, &workspace);
  expect("gptq iq4_nl", one, other, ROWS * 144);
}

int main(void) {
  for (int i = 0; i < COUNT; i++) rows[i] = value(i / 32);
  for (int i = 0; i < COUNT; i++) weights[i] = (float)(next() % 1000) * (i / 64 % 5 ? 1e-3f : 0);
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
    check_gptq(scalar, level);
  }
  printf("%d levels, %d failures\n", levels, failures);
  return failures != 0 || levels == 0;
}
