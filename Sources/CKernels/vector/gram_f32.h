/// Sums of products of the columns of a matrix: some rows are copied into strips of columns, and
/// tiles of outputs stay in registers down a strip.
#ifndef QUERN_GRAM_F32_H
#define QUERN_GRAM_F32_H

#include "../include/quern_kernels.h"
#include "matmul_f32.h"

/// Columns of a strip, which are those of a tile, and the registers they fill; rows of a tile.
#if LANES == 16
enum { GRAM_STRIP = 32, GRAM_TILE_ROWS = 8 };
#else
enum { GRAM_STRIP = 16, GRAM_TILE_ROWS = 4 };
#endif
enum { GRAM_PARTS = GRAM_STRIP / LANES };

/// Up to QUERN_GRAM_ROWS rows: strip after strip, its rows, its columns, with zeros beyond the last.
typedef struct gram_panel {
  size_t rows, columns;
  _Alignas(64) float strips[QUERN_GRAM_ROWS * QUERN_GRAM_COLUMNS];
} gram_panel;

static inline const float *gram_strip(const gram_panel *panel, size_t column) {
  return panel->strips + column / GRAM_STRIP * GRAM_STRIP * panel->rows + column % GRAM_STRIP;
}

static void copy_gram_rows(gram_panel *panel, const float *x, size_t stride) {
  for (size_t column = 0; column < panel->columns; column += GRAM_STRIP) {
    float *out = panel->strips + column * panel->rows;
    size_t rest = panel->columns - column, count = rest < GRAM_STRIP ? rest : GRAM_STRIP;
    for (size_t r = 0; r < panel->rows; r++, out += GRAM_STRIP) {
      if (count < GRAM_STRIP) memset(out, 0, GRAM_STRIP * sizeof(float));
      memcpy(out, x + r * stride + column, count * sizeof(float));
    }
  }
}

/// The sums of products of the columns at `left` with those of the strip at `right`.
static inline void sum_gram_tile(const float *left, const float *right, size_t rows,
                                 float out[GRAM_TILE_ROWS][GRAM_STRIP]) {
  register_lanes sums[GRAM_TILE_ROWS][GRAM_PARTS] = {{{0}}};
  for (size_t r = 0; r < rows; r++) {
    register_lanes columns[GRAM_PARTS];
    for (int part = 0; part < GRAM_PARTS; part++)
      columns[part] = load_lanes(right + r * GRAM_STRIP + part * LANES);
    for (int i = 0; i < GRAM_TILE_ROWS; i++) {
      register_lanes factor = (register_lanes){0} + left[r * GRAM_STRIP + (size_t)i];
      for (int part = 0; part < GRAM_PARTS; part++)
        sums[i][part] = __builtin_elementwise_fma(factor, columns[part], sums[i][part]);
    }
  }
  memcpy(out, sums, sizeof sums);
}

/// Adds the tile whose first element is out[row][column]: what of it is in the upper triangle.
static void add_gram_tile(const gram_panel *panel, size_t row, size_t column, double *out) {
  _Alignas(64) float sums[GRAM_TILE_ROWS][GRAM_STRIP];
  sum_gram_tile(gram_strip(panel, row), gram_strip(panel, column), panel->rows, sums);
  size_t rest = panel->columns - column, end = rest < GRAM_STRIP ? rest : GRAM_STRIP;
  for (size_t i = 0; i < GRAM_TILE_ROWS && row + i < panel->columns; i++) {
    double *target = out + (row + i) * panel->columns + column;
    for (size_t j = row + i > column ? row + i - column : 0; j < end; j++) target[j] += sums[i][j];
  }
}

static void gram_f32(const float *x, size_t stride, size_t rows, size_t columns, double *out) {
  gram_panel panel;
  panel.columns = columns;
  for (size_t first = 0; first < rows; first += QUERN_GRAM_ROWS) {
    panel.rows = rows - first < QUERN_GRAM_ROWS ? rows - first : QUERN_GRAM_ROWS;
    copy_gram_rows(&panel, x + first * stride, stride);
    for (size_t row = 0; row < columns; row += GRAM_TILE_ROWS)
      for (size_t column = row / GRAM_STRIP * GRAM_STRIP; column < columns; column += GRAM_STRIP)
        add_gram_tile(&panel, row, column, out);
  }
}

#endif
