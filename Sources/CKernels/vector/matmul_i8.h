/// Products of int8 matrices with int32 sums. All of it is exact, so the order of sums is free.
#ifndef QUERN_MATMUL_I8_H
#define QUERN_MATMUL_I8_H

#include "../include/quern_kernels.h"
#include "lanes16.h"
#include "levels.h"

#if defined(QUERN_VNNI)
// The instruction multiplies unsigned by signed: x counts as x + 128, and 128 · Σ w is taken from the
// sums at the end.
#define I8_BIASED 1
enum { I8_STEP = 64, I8_TILE_ROWS = 4 };
typedef __m512i i8_operand;
typedef __m512i i8_sums;
static inline i8_operand load_i8(const int8_t *values) { return _mm512_loadu_si512(values); }
static inline i8_operand biased_i8(i8_operand x) {
  return _mm512_xor_si512(x, _mm512_set1_epi8((char)0x80));
}
static inline i8_sums add_i8(i8_sums sums, i8_operand x, i8_operand w) {
  return _mm512_dpbusd_epi32(sums, x, w);
}
#elif defined(__x86_64__) && LANES == 16
enum { I8_STEP = 32, I8_TILE_ROWS = 4 };
typedef __m512i i8_operand;
typedef __m512i i8_sums;
static inline i8_operand load_i8(const int8_t *values) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)values));
}
static inline i8_sums add_i8(i8_sums sums, i8_operand x, i8_operand w) {
  return _mm512_add_epi32(sums, _mm512_madd_epi16(x, w));
}
#elif defined(__x86_64__)
enum { I8_STEP = 16, I8_TILE_ROWS = 2 };
typedef __m256i i8_operand;
typedef __m256i i8_sums;
static inline i8_operand load_i8(const int8_t *values) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)values));
}
static inline i8_sums add_i8(i8_sums sums, i8_operand x, i8_operand w) {
  return _mm256_add_epi32(sums, _mm256_madd_epi16(x, w));
}
#else
enum { I8_STEP = 16, I8_TILE_ROWS = 4 };
typedef int8x16_t i8_operand;
typedef int32x4_t i8_sums;
static inline i8_operand load_i8(const int8_t *values) { return vld1q_s8(values); }
static inline i8_sums add_i8(i8_sums sums, i8_operand x, i8_operand w) {
#if defined(__ARM_FEATURE_DOTPROD)
  return vdotq_s32(sums, x, w);
#else
  // A product is at most 2^14, so that sixteen bits hold it.
  sums = vpadalq_s16(sums, vmull_s8(vget_low_s8(x), vget_low_s8(w)));
  return vpadalq_s16(sums, vmull_high_s8(x, w));
#endif
}
#endif

#ifndef I8_BIASED
#define I8_BIASED 0
static inline i8_operand biased_i8(i8_operand x) { return x; }
#endif

enum { I8_TILE_OUTPUTS = 4 };

typedef struct i8_tile {
  const int8_t *x[I8_TILE_ROWS], *w[I8_TILE_OUTPUTS];
  i8_sums sums[I8_TILE_ROWS][I8_TILE_OUTPUTS], biases[I8_TILE_OUTPUTS];
} i8_tile;

static inline __attribute__((always_inline)) void add_i8_products(i8_tile *tile, size_t k,
                                                                  const int rows) {
  i8_operand x[I8_TILE_ROWS];
  for (int m = 0; m < rows; m++) x[m] = biased_i8(load_i8(tile->x[m] + k));
  for (int n = 0; n < I8_TILE_OUTPUTS; n++) {
    i8_operand w = load_i8(tile->w[n] + k);
    if (I8_BIASED) tile->biases[n] = add_i8(tile->biases[n], biased_i8((i8_operand){0}), w);
    for (int m = 0; m < rows; m++) tile->sums[m][n] = add_i8(tile->sums[m][n], x[m], w);
  }
}

/// The last elements of each row, filled up with zeros.
static inline __attribute__((always_inline)) void add_last_i8_products(i8_tile *tile, size_t k,
                                                                       size_t count,
                                                                       const int rows) {
  int8_t x[I8_TILE_ROWS][I8_STEP] = {0}, w[I8_TILE_OUTPUTS][I8_STEP] = {0};
  for (int m = 0; m < rows; m++) {
    memcpy(x[m], tile->x[m] + k, count);
    tile->x[m] = x[m];
  }
  for (int n = 0; n < I8_TILE_OUTPUTS; n++) {
    memcpy(w[n], tile->w[n] + k, count);
    tile->w[n] = w[n];
  }
  add_i8_products(tile, 0, rows);
}

static inline uint32_t sum_of_i8(i8_sums sums) {
  uint32_t lanes[sizeof sums / 4], sum = 0;
  memcpy(lanes, &sums, sizeof sums);
  for (size_t i = 0; i < sizeof sums / 4; i++) sum += lanes[i];
  return sum;
}

/// The outputs of some rows of x and of up to four rows of w: where there are fewer the last is
/// computed again and not stored.
static inline __attribute__((always_inline)) void multiply_i8_tile(
    const quern_matmul *shape, const int8_t *x, const int8_t *w, size_t outputs, int32_t *out,
    const int rows) {
  i8_tile tile;
  memset(&tile.sums, 0, sizeof tile.sums);
  memset(&tile.biases, 0, sizeof tile.biases);
  for (int m = 0; m < rows; m++) tile.x[m] = x + (size_t)m * shape->x_stride;
  for (size_t n = 0; n < I8_TILE_OUTPUTS; n++)
    tile.w[n] = w + (n < outputs ? n : outputs - 1) * shape->w_stride;
  size_t whole = shape->inner / I8_STEP * I8_STEP;
  for (size_t k = 0; k < whole; k += I8_STEP) add_i8_products(&tile, k, rows);
  if (whole < shape->inner) add_last_i8_products(&tile, whole, shape->inner - whole, rows);
  for (size_t n = 0; n < outputs && n < I8_TILE_OUTPUTS; n++) {
    uint32_t bias = I8_BIASED ? sum_of_i8(tile.biases[n]) : 0;
    for (int m = 0; m < rows; m++)
      out[(size_t)m * shape->out_stride + n] = (int32_t)(sum_of_i8(tile.sums[m][n]) - bias);
  }
}

static void multiply_i8_rows(const quern_matmul *shape, const int8_t *x, const int8_t *w,
                             size_t outputs, int32_t *out, size_t rows) {
  switch (rows) {
  case 1: multiply_i8_tile(shape, x, w, outputs, out, 1); break;
#if !(defined(__x86_64__) && LANES == 8)
  case 2: multiply_i8_tile(shape, x, w, outputs, out, 2); break;
  case 3: multiply_i8_tile(shape, x, w, outputs, out, 3); break;
#endif
  default: multiply_i8_tile(shape, x, w, outputs, out, I8_TILE_ROWS);
  }
}

static void matmul_i8(const quern_matmul *shape, const int8_t *x, const int8_t *w, int32_t *out) {
#if defined(__x86_64__) && LANES == 16 && !defined(QUERN_VNNI)
  // x86-64-v4 does not promise these instructions.
  if (__builtin_cpu_supports("avx512vnni")) {
    quern_vnni_matmul_i8(shape, x, w, out);
    return;
  }
#endif
  for (size_t n = 0; n < shape->outputs; n += I8_TILE_OUTPUTS)
    for (size_t m = 0; m < shape->rows; m += I8_TILE_ROWS)
      multiply_i8_rows(shape, x + m * shape->x_stride, w + n * shape->w_stride,
                       shape->outputs - n, out + m * shape->out_stride + n, shape->rows - m);
}

#endif
