/// Products of rows of codes: tiles of outputs whose lanes stay in registers along the rows.
#ifndef QUERN_VECTOR_PRODUCTS_H
#define QUERN_VECTOR_PRODUCTS_H

#include "../include/quern_kernels.h"
#include "code_sums.h"
#include "levels.h"

/// Rows of x and of w in a tile: what fits in the registers.
#if LANES == 16
enum { CODE_TILE_ROWS = 4, CODE_TILE_OUTPUTS = 4 };
#else
enum { CODE_TILE_ROWS = 2, CODE_TILE_OUTPUTS = 2 };
#endif

typedef struct code_row {
  const int8_t *codes;
  const float *scales, *offsets;
} code_row;

typedef struct code_tile {
  code_row x[CODE_TILE_ROWS], w[CODE_TILE_OUTPUTS];
} code_tile;

static inline code_row row_of_codes(const quern_code_rows *rows, size_t row) {
  const float *offsets = rows->offsets;
  return (code_row){rows->codes + row * rows->stride,
                    rows->scales + row * rows->stride / QUERN_CODE_GROUP,
                    offsets ? offsets + row * quern_offset_stride(rows->stride) : NULL};
}

/// Each of four scales in four lanes.
static inline floats16 scales_by_code(const float *scales) {
  typedef float four __attribute__((vector_size(16)));
  four values;
  memcpy(&values, scales, sizeof values);
  return __builtin_shufflevector(values, values, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
}

static inline float product_of_offsets(const float *x, const float *w, size_t count) {
  floats16 lanes = {0};
  for (size_t i = 0; i < count; i += 16)
    lanes = __builtin_elementwise_fma(load_floats(x + i), load_floats(w + i), lanes);
  return sum_by_halves(lanes);
}

static inline __attribute__((always_inline)) void add_chunk(
    const code_tile *tile, size_t k, const int rows,
    floats16 lanes[CODE_TILE_ROWS][CODE_TILE_OUTPUTS]) {
  codes64 x[CODE_TILE_ROWS];
  floats16 scales[CODE_TILE_ROWS];
  for (int m = 0; m < rows; m++) {
    x[m] = load_left_codes(tile->x[m].codes + k);
    scales[m] = scales_by_code(tile->x[m].scales + k / QUERN_CODE_GROUP);
  }
  for (int n = 0; n < CODE_TILE_OUTPUTS; n++) {
    codes64 w = load_codes(tile->w[n].codes + k);
    ints16 first = first_sums(w);
    floats16 scale = scales_by_code(tile->w[n].scales + k / QUERN_CODE_GROUP);
    for (int m = 0; m < rows; m++) {
      floats16 sums = __builtin_convertvector(sums_of_four(first, x[m], w), floats16);
      lanes[m][n] = __builtin_elementwise_fma(sums, scales[m] * scale, lanes[m][n]);
    }
  }
}

/// The outputs of some rows of x and of `outputs` rows of w: where a tile has more the last is
/// computed again and not stored.
static inline __attribute__((always_inline)) void multiply_code_tile(
    const quern_code_rows *x, const quern_code_rows *w, size_t row, size_t output, float *out,
    size_t out_stride, const int rows) {
  code_tile tile;
  size_t outputs = w->rows - output, offset_stride = quern_offset_stride(x->stride);
  for (int m = 0; m < rows; m++) tile.x[m] = row_of_codes(x, row + (size_t)m);
  for (size_t n = 0; n < CODE_TILE_OUTPUTS; n++)
    tile.w[n] = row_of_codes(w, output + (n < outputs ? n : outputs - 1));
  floats16 lanes[CODE_TILE_ROWS][CODE_TILE_OUTPUTS];
  for (int m = 0; m < rows; m++)
    for (int n = 0; n < CODE_TILE_OUTPUTS; n++) lanes[m][n] = (floats16){0};
  for (size_t k = 0; k < x->stride; k += QUERN_CODE_CHUNK) add_chunk(&tile, k, rows, lanes);
  for (int m = 0; m < rows; m++)
    for (size_t n = 0; n < CODE_TILE_OUTPUTS && n < outputs; n++) {
      float product = sum_by_halves(lanes[m][n]);
      if (w->offsets)
        product += product_of_offsets(tile.x[m].offsets, tile.w[n].offsets, offset_stride);
      out[(row + (size_t)m) * out_stride + output + n] = product;
    }
}

static void multiply_code_rows(const quern_code_rows *x, const quern_code_rows *w, size_t row,
                               size_t output, float *out, size_t out_stride) {
  switch (x->rows - row) {
  case 1: multiply_code_tile(x, w, row, output, out, out_stride, 1); break;
#if LANES == 16
  case 2: multiply_code_tile(x, w, row, output, out, out_stride, 2); break;
  case 3: multiply_code_tile(x, w, row, output, out, out_stride, 3); break;
#endif
  default: multiply_code_tile(x, w, row, output, out, out_stride, CODE_TILE_ROWS);
  }
}

static void multiply_codes(const quern_code_rows *x, const quern_code_rows *w, float *out,
                           size_t out_stride) {
#if defined(__x86_64__) && LANES == 16 && !defined(QUERN_VNNI)
  // x86-64-v4 does not promise these instructions.
  if (__builtin_cpu_supports("avx512vnni")) {
    quern_vnni_multiply_codes(x, w, out, out_stride);
    return;
  }
#endif
  for (size_t n = 0; n < w->rows; n += CODE_TILE_OUTPUTS)
    for (size_t m = 0; m < x->rows; m += CODE_TILE_ROWS)
      multiply_code_rows(x, w, m, n, out, out_stride);
}

#endif
