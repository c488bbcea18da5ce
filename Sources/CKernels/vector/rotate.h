/// Rotations by a Hadamard matrix. See `scalar/rotate.c` for what they compute.
#ifndef QUERN_VECTOR_ROTATE_H
#define QUERN_VECTOR_ROTATE_H

#include "../rotation.h"
#include "../scalar/scalar.h"
#include "lanes16.h"

/// Sums in the lanes whose number lacks the bit, differences in the others: there the lane is
/// subtracted from its partner, which is the same as adding it with its sign changed.
#define BUTTERFLY(values, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                          \
  (__builtin_shufflevector(values, values, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) +       \
   (floats16)((ints16)(values) ^                                                                   \
              (ints16){SIGN(a, 0), SIGN(b, 1), SIGN(c, 2), SIGN(d, 3), SIGN(e, 4), SIGN(f, 5),     \
                       SIGN(g, 6), SIGN(h, 7), SIGN(i, 8), SIGN(j, 9), SIGN(k, 10), SIGN(l, 11),   \
                       SIGN(m, 12), SIGN(n, 13), SIGN(o, 14), SIGN(p, 15)}))
#define SIGN(partner, lane) ((partner) < (lane) ? INT32_MIN : 0)

/// The first four steps of the transform, within 16 lanes.
static inline floats16 transform_lanes(floats16 v) {
  v = BUTTERFLY(v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
  v = BUTTERFLY(v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  v = BUTTERFLY(v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  return BUTTERFLY(v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
}

#undef SIGN
#undef BUTTERFLY

static void rotate_columns(float *values, const float *gains, size_t row_length, size_t count) {
  for (size_t i = 0, column = 0; i < count; i += QUERN_ROTATION_BLOCK) {
    floats16 low = load_floats(values + i), high = load_floats(values + i + 16);
    if (gains) {
      low *= load_floats(gains + column);
      high *= load_floats(gains + column + 16);
    }
    low = transform_lanes(low);
    high = transform_lanes(high);
    store_floats(values + i, (low + high) * QUERN_ROTATION_FACTOR);
    store_floats(values + i + 16, (low - high) * QUERN_ROTATION_FACTOR);
    column += QUERN_ROTATION_BLOCK;
    if (column == row_length) column = 0;
  }
}

/// Columns that are taken through all steps at once.
enum { ROTATED_COLUMNS = 64 };

/// One block of 32 rows, so many columns of it. The steps are taken in a copy: rows of a power of two
/// bytes would push each other out of the cache.
static inline void rotate_strip(float *values, size_t row_length, size_t columns) {
  float strip[QUERN_ROTATION_BLOCK][ROTATED_COLUMNS] = {{0}};
  for (size_t row = 0; row < QUERN_ROTATION_BLOCK; row++)
    memcpy(strip[row], values + row * row_length, columns * sizeof(float));
  for (size_t half = 1; half < QUERN_ROTATION_BLOCK; half *= 2)
    for (size_t row = 0; row < QUERN_ROTATION_BLOCK; row++) {
      if (row & half) continue;
      float *low = strip[row], *high = strip[row + half];
      for (size_t column = 0; column < ROTATED_COLUMNS; column++) {
        float sum = low[column] + high[column], difference = low[column] - high[column];
        low[column] = sum;
        high[column] = difference;
      }
    }
  for (size_t row = 0; row < QUERN_ROTATION_BLOCK; row++) {
    for (size_t column = 0; column < ROTATED_COLUMNS; column++)
      strip[row][column] *= QUERN_ROTATION_FACTOR;
    memcpy(values + row * row_length, strip[row], columns * sizeof(float));
  }
}

static void rotate_rows(float *values, size_t row_length, size_t count) {
  for (size_t first = 0; first < count; first += QUERN_ROTATION_BLOCK * row_length)
    for (size_t column = 0; column < row_length; column += ROTATED_COLUMNS) {
      size_t rest = row_length - column;
      rotate_strip(values + first + column, row_length,
                   rest < ROTATED_COLUMNS ? rest : ROTATED_COLUMNS);
    }
}

#endif
