/// Products of float32 matrices: tiles of outputs whose lanes stay in registers along the rows.
#ifndef QUERN_MATMUL_F32_H
#define QUERN_MATMUL_F32_H

#include "../include/quern_kernels.h"
#include "lanes16.h"

/// As many lanes as a register has, and the registers of sixteen.
typedef float register_lanes __attribute__((vector_size(4 * LANES)));
enum { LANE_PARTS = 16 / LANES };

/// Rows of x and of w in a tile: what fits in the registers.
#if LANES == 16
enum { F32_TILE_ROWS = 4, F32_TILE_OUTPUTS = 6 };
#else
enum { F32_TILE_ROWS = 2, F32_TILE_OUTPUTS = 3 };
#endif

typedef struct f32_tile {
  const float *x[F32_TILE_ROWS], *w[F32_TILE_OUTPUTS];
  register_lanes sums[F32_TILE_ROWS][F32_TILE_OUTPUTS][LANE_PARTS];
} f32_tile;

static inline register_lanes load_lanes(const float *values) {
  register_lanes lanes;
  memcpy(&lanes, values, sizeof lanes);
  return lanes;
}

/// lanes[i] += lanes[i + h] for h = 8, 4, 2, 1.
static inline float sum_of_products(const register_lanes *parts) {
  floats16 all;
  memcpy(&all, parts, sizeof all);
  typedef float eight __attribute__((vector_size(32)));
  typedef float four __attribute__((vector_size(16)));
  eight a = __builtin_shufflevector(all, all, 0, 1, 2, 3, 4, 5, 6, 7) +
            __builtin_shufflevector(all, all, 8, 9, 10, 11, 12, 13, 14, 15);
  four b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
  return (b[0] + b[2]) + (b[1] + b[3]);
}

/// Sixteen products of every output of a tile.
static inline __attribute__((always_inline)) void add_products(f32_tile *tile, size_t k,
                                                               const int rows) {
  for (int part = 0; part < LANE_PARTS; part++) {
    size_t first = k + (size_t)(part * LANES);
    register_lanes x[F32_TILE_ROWS];
    for (int m = 0; m < rows; m++) x[m] = load_lanes(tile->x[m] + first);
    for (int n = 0; n < F32_TILE_OUTPUTS; n++) {
      register_lanes w = load_lanes(tile->w[n] + first);
      for (int m = 0; m < rows; m++)
        tile->sums[m][n][part] = __builtin_elementwise_fma(x[m], w, tile->sums[m][n][part]);
    }
  }
}

/// The last elements of each row, filled up with zeros.
static inline __attribute__((always_inline)) void add_last_products(f32_tile *tile, size_t k,
                                                                    size_t count, const int rows) {
  float x[F32_TILE_ROWS][16] = {0}, w[F32_TILE_OUTPUTS][16] = {0};
  for (int m = 0; m < rows; m++) {
    memcpy(x[m], tile->x[m] + k, count * sizeof(float));
    tile->x[m] = x[m];
  }
  for (int n = 0; n < F32_TILE_OUTPUTS; n++) {
    memcpy(w[n], tile->w[n] + k, count * sizeof(float));
    tile->w[n] = w[n];
  }
  add_products(tile, 0, rows);
}

/// The outputs of some rows of x and of up to as many rows of w as a tile has: where there are fewer
/// the last is computed again and not stored.
static inline __attribute__((always_inline)) void multiply_f32_tile(
    const quern_matmul *shape, const float *x, const float *w, size_t outputs, float *out,
    const int rows) {
  f32_tile tile;
  for (int m = 0; m < rows; m++) tile.x[m] = x + (size_t)m * shape->x_stride;
  for (size_t n = 0; n < F32_TILE_OUTPUTS; n++)
    tile.w[n] = w + (n < outputs ? n : outputs - 1) * shape->w_stride;
  for (int m = 0; m < rows; m++)
    for (int n = 0; n < F32_TILE_OUTPUTS; n++)
      for (int part = 0; part < LANE_PARTS; part++) tile.sums[m][n][part] = (register_lanes){0};
  size_t whole = shape->inner / 16 * 16;
  for (size_t k = 0; k < whole; k += 16) add_products(&tile, k, rows);
  if (whole < shape->inner) add_last_products(&tile, whole, shape->inner - whole, rows);
  for (int m = 0; m < rows; m++)
    for (size_t n = 0; n < outputs && n < F32_TILE_OUTPUTS; n++)
      out[(size_t)m * shape->out_stride + n] = sum_of_products(tile.sums[m][n]);
}

static void multiply_f32_rows(const quern_matmul *shape, const float *x, const float *w,
                              size_t outputs, float *out, size_t rows) {
  switch (rows) {
  case 1: multiply_f32_tile(shape, x, w, outputs, out, 1); break;
#if LANES == 16
  case 2: multiply_f32_tile(shape, x, w, outputs, out, 2); break;
  case 3: multiply_f32_tile(shape, x, w, outputs, out, 3); break;
#endif
  default: multiply_f32_tile(shape, x, w, outputs, out, F32_TILE_ROWS);
  }
}

static void matmul_f32(const quern_matmul *shape, const float *x, const float *w, float *out) {
  for (size_t n = 0; n < shape->outputs; n += F32_TILE_OUTPUTS)
    for (size_t m = 0; m < shape->rows; m += F32_TILE_ROWS)
      multiply_f32_rows(shape, x + m * shape->x_stride, w + n * shape->w_stride,
                        shape->outputs - n, out + m * shape->out_stride + n, shape->rows - m);
}

#endif
