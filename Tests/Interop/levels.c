// Compares every kernel level of the machine it runs on with the scalar definition, byte for byte.
// For architectures on which the Swift tests cannot run; see neon.sh.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quern_kernels.h"
#include "quern_layouts.h"

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
static uint8_t noise[BYTES], packed[COUNT / 2], scales[COUNT / 32];
static _Alignas(8) uint8_t one[BYTES], other[BYTES];

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

/// Rows and groups of integers, by codes of four and of eight bits.
static void check_integers(const quern_kernels *scalar, const quern_kernels *level) {
  static const size_t groups[] = {32, 128, 1024, 4096};
  static float few[SEARCHED], plain[COUNT / 32], fast[COUNT / 32];
  for (int i = 0; i < SEARCHED; i++) few[i] = rows[COUNT / 2 + i];
  for (int i = 0; i < SEARCHED / 2; i++) few[i] = (float)(int)(few[i] * 0x1p20f) * 0x1p-20f;
  for (int test = 0; test < 16; test++) {
    const float *importance = test & 1 ? weights : NULL;
    int most = test & 2 ? 127 : 7;
    quern_integer_layout layout = {groups[test / 4], most == 7 ? -8 : -127, most, false, false,
                                   QUERN_SCALE_BF16};
    quern_integer_planes slow = {(int8_t *)one, plain, NULL}, quick = {(int8_t *)other, fast, NULL};
    scalar->integers_optimally(&layout, few, importance, slow, SEARCHED);
    level->integers_optimally(&layout, few, importance, quick, SEARCHED);
    expect("integers_optimally", one, other, SEARCHED);
    expect("integers_optimally", plain, fast, SEARCHED / layout.group * sizeof plain[0]);
    scalar->integers_from_e2m1(&layout, packed, scales, importance, slow, COUNT);
    level->integers_from_e2m1(&layout, packed, scales, importance, quick, COUNT);
    expect("integers_from_e2m1", one, other, COUNT);
    expect("integers_from_e2m1", plain, fast, COUNT / layout.group * sizeof plain[0]);
    scalar->f32_from_integers((int8_t *)one, plain, layout.group, first, COUNT);
    level->f32_from_integers((int8_t *)one, plain, layout.group, second, COUNT);
    expect("f32_from_integers", first, second, sizeof first);
  }
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

/// Groups whose scale bytes are so far apart that most are exact in eight bits, and some are not.
static void check_integer_comparisons(const quern_kernels *scalar, const quern_kernels *level) {
  for (int round = 0; round < 400; round++) {
    size_t start = next() % 900, count = 32 * (1 + next() % 100);
    const uint8_t *codes = packed + 16 * start;
    uint8_t e[101];
    for (size_t b = 0; b < count / 32; b++) e[b] = (uint8_t)(100 + round % 50 + next() % 4);
    if (round % 5 == 4) e[next() % (count / 32)] += round % 2 ? 2 : 100;
    quern_integer_layout layout = {
      .group = count, .least = -127, .most = 127, .scale = QUERN_SCALE_BF16};
    float scale = 1;
    scalar->integers_from_e2m1(&layout, codes, e, NULL,
                               (quern_integer_planes){(int8_t *)one, &scale, NULL}, count);
    if (round % 4 == 3) one[next() % count] ^= 1;
    quern_comparison slow = {.signal = {round % 2 ? 0.1 : 0}}, fast = slow;
    bool slow_equal =
      scalar->compare_e2m1_integers(codes, e, (int8_t *)one, scale, 0, count, &slow);
    bool fast_equal =
      level->compare_e2m1_integers(codes, e, (int8_t *)one, scale, 0, count, &fast);
    expect("compare_e2m1_integers", &slow_equal, &fast_equal, sizeof slow_equal);
    expect("compare_e2m1_integers", &slow, &fast, sizeof slow);
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

/// Products of all small shapes, of rows that do not follow each other.
static void check_products(const quern_kernels *scalar, const quern_kernels *level) {
  for (int round = 0; round < 300; round++) {
    quern_matmul shape = {next() % 7, next() % 9, next() % 150, 151, 153, 11};
    size_t start = next() % 500;
    memset(first, 1, 77 * sizeof first[0]);
    memset(second, 1, 77 * sizeof second[0]);
    scalar->matmul_f32(&shape, weights + start, rows + COUNT / 2 + start, first);
    level->matmul_f32(&shape, weights + start, rows + COUNT / 2 + start, second);
    expect("matmul_f32", first, second, 77 * sizeof first[0]);
    const int8_t *left = (const int8_t *)noise + start, *right = (const int8_t *)noise + 9000;
    memset(one, 1, 77 * sizeof(int32_t));
    memset(other, 1, 77 * sizeof(int32_t));
    scalar->matmul_i8(&shape, left, right, (int32_t *)one);
    level->matmul_i8(&shape, left, right, (int32_t *)other);
    expect("matmul_i8", one, other, 77 * sizeof(int32_t));
  }
}

/// Products of rows longer than a block, in more rows and outputs than one.
static void check_large_products(const quern_kernels *scalar, const quern_kernels *level) {
  for (int round = 0; round < 4; round++) {
    quern_matmul shape = {22 + next() % 9, 95 + next() % 9, 500 + next() % 600, 7, 13, 150};
    memset(first, 1, sizeof first);
    memset(second, 1, sizeof second);
    scalar->matmul_f32(&shape, weights, rows + COUNT / 2, first);
    level->matmul_f32(&shape, weights, rows + COUNT / 2, second);
    expect("matmul_f32", first, second, sizeof first);
  }
  for (size_t columns = 1; columns < 180; columns += 1 + columns / 5) {
    static double slow[180 * 180], fast[180 * 180];
    size_t count = next() % 140;
    scalar->gram_f32(rows + COUNT / 2, 57, count, columns, slow);
    level->gram_f32(rows + COUNT / 2, 57, count, columns, fast);
    expect("gram_f32", slow, fast, sizeof slow);
  }
}

/// One row after another of `stride` elements, of which `count` are used.
static void take_apart(quern_code_format format, quern_code_rows rows_of_codes, size_t count) {
  quern_code_rule rule = quern_code_rule_of(format);
  for (size_t row = 0; row < rows_of_codes.rows; row++) {
    uint8_t blocks[2 * 1024];
    size_t size = count / rule.block_elements * rule.block_bytes;
    for (size_t i = 0; i < size; i++) blocks[i] = (uint8_t)next();
    quern_codes_from_blocks(format, blocks, count, rows_of_codes, row);
  }
}

/// Products of all block formats, NaN and infinite scales too.
static void check_code_products(const quern_kernels *scalar, const quern_kernels *level) {
  static int8_t codes[2][16 * 1024];
  static float scales[2][1024], offsets[2][16 * 32];
  for (int round = 0; round < 12 * 20; round++) {
    quern_code_format format = (quern_code_format)(round % 12);
    size_t count = 256 * (1 + next() % 4), stride = quern_code_stride(count);
    if (quern_code_rule_of(format).block_elements < 256) count -= 64 * (next() % 4);
    if (quern_code_rule_of(format).block_elements == 32) count -= 32 * (next() % 2);
    stride = quern_code_stride(count);
    quern_code_rows x = {1 + next() % 9, stride, codes[0], scales[0], offsets[0]};
    quern_code_rows w = {1 + next() % 9, stride, codes[1], scales[1],
                         quern_has_offsets(format) ? offsets[1] : NULL};
    quern_activation_format partner = (quern_activation_format)(count % 256 ? round % 2 : 2);
    for (size_t row = 0; row < x.rows; row++)
      quern_codes_from_activations(partner, rows + COUNT / 2 + 1000 * row, count, x, row);
    take_apart(format, w, count);
    memset(first, 1, sizeof first);
    memset(second, 1, sizeof second);
    scalar->multiply_codes(&x, &w, first, 11);
    level->multiply_codes(&x, &w, second, 11);
    unify_nans(first);
    unify_nans(second);
    expect("multiply_codes", first, second, 100 * sizeof first[0]);
  }
}

/// FRACTAL_NZ has one instance, which is compared with its formula here.
static void check_layouts(void) {
  for (int round = 0; round < 300; round++) {
    size_t row_count = 1 + next() % 70, row_bytes = 2 * (1 + next() % 60), size = 1 + next() % 2;
    size_t stride = (row_count + 15) / 16 * 512, columns = row_bytes / size;
    memset(one, 0, BYTES);
    for (size_t r = 0; r < row_count; r++)
      for (size_t b = 0; b < row_bytes; b++)
        one[b / 32 * stride + 32 * r + b % 32] = noise[r * row_bytes + b];
    size_t stored = (row_bytes + 31) / 32 * stride;
    quern_nz_from_rows(noise, row_bytes, row_count, other, stride);
    expect("nz_from_rows", one, other, stored);
    quern_rows_from_nz(one, stride, row_bytes, row_count, other);
    expect("rows_from_nz", noise, other, row_count * row_bytes);
    if (row_count > 32 / size) row_count = 32 / size;
    memset(one, 0, BYTES);
    for (size_t r = 0; r < row_count; r++)
      for (size_t b = 0; b < row_bytes; b++)
        one[b / size * 32 + r * size + b % size] = noise[r * row_bytes + b];
    stored = (columns + 15) / 16 * 512;
    quern_nz_from_columns(noise, row_bytes, row_count, columns, size, other);
    expect("nz_from_columns", one, other, stored);
    quern_columns_from_nz(one, row_bytes, row_count, columns, size, other);
    expect("columns_from_nz", noise, other, row_count * row_bytes);
  }
}

/// Small weights in rows of a length that is no power of two.
static void check_rotations(const quern_kernels *scalar, const quern_kernels *level) {
  enum { LENGTH = 288, ROTATED = 96 * LENGTH };
  for (int gained = 0; gained < 2; gained++) {
    const float *gains = gained ? weights : NULL;
    for (int i = 0; i < ROTATED; i++) first[i] = second[i] = (float)(next() % 2001) * 1e-3f - 1;
    scalar->rotate_columns(first, gains, LENGTH, ROTATED);
    level->rotate_columns(second, gains, LENGTH, ROTATED);
    expect("rotate_columns", first, second, ROTATED * sizeof first[0]);
  }
  for (size_t length = 1; length <= LENGTH; length += 41) {
    scalar->rotate_rows(first, length, 96 * length);
    level->rotate_rows(second, length, 96 * length);
    expect("rotate_rows", first, second, ROTATED * sizeof first[0]);
  }
}

int main(void) {
  for (int i = 0; i < COUNT; i++) rows[i] = value(i / 32);
  for (int i = 0; i < COUNT; i++) weights[i] = (float)(next() % 1000) * (i / 64 % 5 ? 1e-3f : 0);
  for (int i = 0; i < BYTES; i++) noise[i] = (uint8_t)next();
  for (int i = 0; i < COUNT / 2; i++) packed[i] = (uint8_t)(next() & (i / 16 % 3 ? 0xff : 0xbb));
  for (int i = 0; i < COUNT / 32; i++)
    scales[i] = (uint8_t)(i < 600 ? 115 + next() % 7 : next() % 255);
  const quern_kernels *scalar = quern_kernels_at(QUERN_LEVEL_SCALAR);
  check_layouts();
  int levels = 0;
  for (int number = QUERN_LEVEL_V3; number <= QUERN_LEVEL_NEON; number++) {
    const quern_kernels *level = quern_kernels_at((quern_level)number);
    if (!level) continue;
    levels++;
    printf("level %d\n", number);
    check_conversions(scalar, level);
    check_integers(scalar, level);
    check_integer_comparisons(scalar, level);
    check_comparisons(scalar, level);
    check_searches(scalar, level);
    check_gptq(scalar, level);
    check_products(scalar, level);
    check_large_products(scalar, level);
    check_code_products(scalar, level);
    check_rotations(scalar, level);
  }
  printf("%d levels, %d failures\n", levels, failures);
  return failures != 0 || levels == 0;
}
