/// Products of float32 matrices: blocks that stay in the caches, of tiles whose lanes stay in
/// registers. Lane sums wait in memory while a block goes on along the rows, so that blocks do not
/// show in the sums.
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

/// Rows of x, rows of w and elements of a row in a block. A tile's part of both is a third of 48 KB
/// of first cache; the copied part of x and the sums are a fifth of 1 MB of second cache.
enum { F32_BLOCK_ROWS = 24, F32_BLOCK_OUTPUTS = 96, F32_BLOCK_INNER = 512 };

typedef struct f32_block {
  const quern_matmul *shape;
  size_t rows, outputs;
  /// Of each tile's rows: sixteen elements of every row, the next sixteen, … zeros at the end. Rows of
  /// x lie a power of two apart, and would displace each other in the first cache.
  _Alignas(64) float x[F32_BLOCK_ROWS * F32_BLOCK_INNER];
  /// Sixteen for each output, tile after tile.
  _Alignas(64) float lanes[F32_BLOCK_ROWS * F32_BLOCK_OUTPUTS * 16];
} f32_block;

static inline register_lanes load_lanes(const float *values) {
  register_lanes lanes;
  memcpy(&lanes, values, sizeof lanes);
  return lanes;
}

/// Sixteen products of every output of a tile, `steps` times: to zeros where these are the first, or
/// to the sums that are there.
static inline __attribute__((always_inline)) void add_to_tile(const float *x, const float *const *w,
                                                              size_t steps, bool is_first,
                                                              float *lanes, const int rows) {
  register_lanes sums[F32_TILE_ROWS][F32_TILE_OUTPUTS][LANE_PARTS];
  for (int m = 0; m < rows; m++)
    for (int n = 0; n < F32_TILE_OUTPUTS; n++)
      for (int part = 0; part < LANE_PARTS; part++)
        sums[m][n][part] =
            is_first ? (register_lanes){0}
                     : load_lanes(lanes + 16 * (m * F32_TILE_OUTPUTS + n) + part * LANES);
  for (size_t step = 0; step < steps; step++) {
    for (int part = 0; part < LANE_PARTS; part++) {
      register_lanes left[F32_TILE_ROWS];
      for (int m = 0; m < rows; m++)
        left[m] = load_lanes(x + 16 * (step * (size_t)rows + (size_t)m) + part * LANES);
      for (int n = 0; n < F32_TILE_OUTPUTS; n++) {
        register_lanes right = load_lanes(w[n] + 16 * step + part * LANES);
        for (int m = 0; m < rows; m++)
          sums[m][n][part] = __builtin_elementwise_fma(left[m], right, sums[m][n][part]);
      }
    }
  }
  for (int m = 0; m < rows; m++)
    for (int n = 0; n < F32_TILE_OUTPUTS; n++)
      for (int part = 0; part < LANE_PARTS; part++)
        memcpy(lanes + 16 * (m * F32_TILE_OUTPUTS + n) + part * LANES, &sums[m][n][part],
               sizeof sums[m][n][part]);
}

static void add_to_tile_rows(const float *x, const float *const *w, size_t steps, bool is_first,
                             float *lanes, size_t rows) {
  switch (rows) {
  case 1: add_to_tile(x, w, steps, is_first, lanes, 1); break;
#if LANES == 16
  case 2: add_to_tile(x, w, steps, is_first, lanes, 2); break;
  case 3: add_to_tile(x, w, steps, is_first, lanes, 3); break;
#endif
  default: add_to_tile(x, w, steps, is_first, lanes, F32_TILE_ROWS);
  }
}

static inline size_t rows_of_f32_tile(const f32_block *block, size_t row) {
  return block->rows - row < F32_TILE_ROWS ? block->rows - row : F32_TILE_ROWS;
}

static inline float *lanes_of_f32_tile(f32_block *block, size_t row, size_t output) {
  return block->lanes + 16 * (output * F32_BLOCK_ROWS + row * F32_TILE_OUTPUTS);
}

/// Copies `count` elements of the block's rows.
static void copy_f32_rows(f32_block *block, const float *x, size_t count) {
  size_t steps = (count + 15) / 16, whole = count / 16;
  for (size_t row = 0; row < block->rows; row++) {
    size_t first = row / F32_TILE_ROWS * F32_TILE_ROWS, rows = rows_of_f32_tile(block, first);
    float *out = block->x + 16 * (first * steps + row - first);
    const float *values = x + row * block->shape->x_stride;
    for (size_t step = 0; step < whole; step++)
      store_floats(out + 16 * step * rows, load_floats(values + 16 * step));
    if (whole == steps) continue;
    float last[16] = {0};
    memcpy(last, values + 16 * whole, (count - 16 * whole) * sizeof(float));
    memcpy(out + 16 * whole * rows, last, sizeof last);
  }
}

/// Adds `count` products to each output of the tiles of the rows of w from `output` on: where there are
/// fewer than a tile has the last is taken again.
static void add_to_f32_tiles(f32_block *block, const float *w, size_t output, size_t count,
                             bool is_first) {
  size_t steps = (count + 15) / 16, whole = count / 16;
  const float *right[F32_TILE_OUTPUTS], *ends[F32_TILE_OUTPUTS];
  float last[F32_TILE_OUTPUTS][16] = {0};
  for (size_t n = 0; n < F32_TILE_OUTPUTS; n++) {
    size_t row = output + n < block->outputs ? output + n : block->outputs - 1;
    right[n] = w + row * block->shape->w_stride;
    ends[n] = last[n];
    if (whole < steps) memcpy(last[n], right[n] + 16 * whole, (count - 16 * whole) * sizeof(float));
  }
  for (size_t row = 0; row < block->rows; row += F32_TILE_ROWS) {
    size_t rows = rows_of_f32_tile(block, row);
    const float *left = block->x + 16 * row * steps;
    float *lanes = lanes_of_f32_tile(block, row, output);
    add_to_tile_rows(left, right, whole, is_first, lanes, rows);
    if (whole < steps) add_to_tile_rows(left + 16 * whole * rows, ends, 1, false, lanes, rows);
  }
}

static void store_f32_block(f32_block *block, float *out) {
  for (size_t output = 0; output < block->outputs; output += F32_TILE_OUTPUTS)
    for (size_t row = 0; row < block->rows; row++) {
      size_t first = row / F32_TILE_ROWS * F32_TILE_ROWS;
      const float *lanes = lanes_of_f32_tile(block, first, output);
      lanes += 16 * (row - first) * F32_TILE_OUTPUTS;
      for (size_t n = 0; n < F32_TILE_OUTPUTS && output + n < block->outputs; n++)
        out[row * block->shape->out_stride + output + n] =
            sum_by_halves(load_floats(lanes + 16 * n));
    }
}

static void multiply_f32_block(f32_block *block, const float *x, const float *w, float *out) {
  size_t inner = block->shape->inner, k = 0;
  do {
    size_t count = inner - k < F32_BLOCK_INNER ? inner - k : F32_BLOCK_INNER;
    copy_f32_rows(block, x + k, count);
    for (size_t output = 0; output < block->outputs; output += F32_TILE_OUTPUTS)
      add_to_f32_tiles(block, w + k, output, count, k == 0);
    k += count;
  } while (k < inner);
  store_f32_block(block, out);
}

static void matmul_f32(const quern_matmul *shape, const float *x, const float *w, float *out) {
  f32_block block;
  block.shape = shape;
  for (size_t m = 0; m < shape->rows; m += F32_BLOCK_ROWS) {
    block.rows = shape->rows - m < F32_BLOCK_ROWS ? shape->rows - m : F32_BLOCK_ROWS;
    for (size_t n = 0; n < shape->outputs; n += F32_BLOCK_OUTPUTS) {
      size_t rest = shape->outputs - n;
      block.outputs = rest < F32_BLOCK_OUTPUTS ? rest : F32_BLOCK_OUTPUTS;
      multiply_f32_block(&block, x + m * shape->x_stride, w + n * shape->w_stride,
                         out + m * shape->out_stride + n);
    }
  }
}

#endif
