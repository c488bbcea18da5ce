#pragma STDC FP_CONTRACT OFF

#include "include/quern_layouts.h"

#include <string.h>

#include "vector/lanes16.h"

enum { NO_OFFSET = -1, STRIP_BYTES = 32, BLOCK_ROWS = 16, VECTOR_BYTES = 16, STAGED_BYTES = 64 };

static size_t round_up(size_t count, size_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

static size_t first_nonzero(const uint8_t *bytes, size_t count) {
  size_t i = 0;
  while (i < count && bytes[i] == 0) i++;
  return i;
}

/// Up to 16 rows of every strip: the bytes of a row end within the last.
static void store_block(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *strips,
                        size_t strip_stride) {
  size_t whole = row_bytes / STRIP_BYTES, rest = row_bytes % STRIP_BYTES;
  for (size_t s = 0; s < whole; s++)
    for (size_t r = 0; r < row_count; r++)
      memcpy(strips + s * strip_stride + STRIP_BYTES * r, rows + r * row_bytes + STRIP_BYTES * s,
             STRIP_BYTES);
  for (size_t r = 0; rest && r < row_count; r++) {
    uint8_t *last = strips + whole * strip_stride + STRIP_BYTES * r;
    memcpy(last, rows + r * row_bytes + STRIP_BYTES * whole, rest);
    memset(last + rest, 0, STRIP_BYTES - rest);
  }
}

void quern_nz_from_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *strips,
                        size_t strip_stride) {
  for (size_t r = 0; r < row_count; r += BLOCK_ROWS) {
    size_t count = row_count - r < BLOCK_ROWS ? row_count - r : BLOCK_ROWS;
    store_block(rows + r * row_bytes, row_bytes, count, strips + STRIP_BYTES * r, strip_stride);
  }
  size_t padding = round_up(row_count, BLOCK_ROWS) - row_count;
  for (size_t s = 0; s < round_up(row_bytes, STRIP_BYTES) / STRIP_BYTES; s++)
    memset(strips + s * strip_stride + STRIP_BYTES * row_count, 0, STRIP_BYTES * padding);
}

static ptrdiff_t load_block(const uint8_t *strips, size_t strip_stride, size_t row_bytes,
                            size_t row_count, uint8_t *rows) {
  size_t whole = row_bytes / STRIP_BYTES, rest = row_bytes % STRIP_BYTES;
  for (size_t s = 0; s < whole; s++)
    for (size_t r = 0; r < row_count; r++)
      memcpy(rows + r * row_bytes + STRIP_BYTES * s, strips + s * strip_stride + STRIP_BYTES * r,
             STRIP_BYTES);
  for (size_t r = 0; rest && r < row_count; r++) {
    size_t offset = whole * strip_stride + STRIP_BYTES * r;
    memcpy(rows + r * row_bytes + STRIP_BYTES * whole, strips + offset, rest);
    size_t zeros = first_nonzero(strips + offset + rest, STRIP_BYTES - rest);
    if (zeros < STRIP_BYTES - rest) return (ptrdiff_t)(offset + rest + zeros);
  }
  return NO_OFFSET;
}

ptrdiff_t quern_rows_from_nz(const uint8_t *strips, size_t strip_stride, size_t row_bytes,
                             size_t row_count, uint8_t *rows) {
  for (size_t r = 0; r < row_count; r += BLOCK_ROWS) {
    size_t count = row_count - r < BLOCK_ROWS ? row_count - r : BLOCK_ROWS;
    ptrdiff_t bad = load_block(strips + STRIP_BYTES * r, strip_stride, row_bytes, count,
                            rows + r * row_bytes);
    if (bad != NO_OFFSET) return bad + (ptrdiff_t)(STRIP_BYTES * r);
  }
  size_t padding = STRIP_BYTES * (round_up(row_count, BLOCK_ROWS) - row_count);
  for (size_t s = 0; s < round_up(row_bytes, STRIP_BYTES) / STRIP_BYTES; s++) {
    size_t offset = s * strip_stride + STRIP_BYTES * row_count;
    size_t zeros = first_nonzero(strips + offset, padding);
    if (zeros < padding) return (ptrdiff_t)(offset + zeros);
  }
  return NO_OFFSET;
}

/// Transposes 16 × 16 bytes: four times each vector is interleaved with the one eight further.
static void transpose_bytes(bytes16 v[16]) {
#pragma clang loop unroll(full)
  for (int round = 0; round < 4; round++) {
    bytes16 out[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) {
      out[2 * i] = __builtin_shufflevector(v[i], v[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5,
                                           21, 6, 22, 7, 23);
      out[2 * i + 1] = __builtin_shufflevector(v[i], v[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12,
                                               28, 13, 29, 14, 30, 15, 31);
    }
    memcpy(v, out, sizeof out);
  }
}

/// Transposes 8 × 8 elements of two bytes.
static void transpose_pairs(bytes16 v[8]) {
#pragma clang loop unroll(full)
  for (int round = 0; round < 3; round++) {
    bytes16 out[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      out[2 * i] = __builtin_shufflevector(v[i], v[i + 4], 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21,
                                           6, 7, 22, 23);
      out[2 * i + 1] = __builtin_shufflevector(v[i], v[i + 4], 8, 9, 24, 25, 10, 11, 26, 27, 12, 13,
                                               28, 29, 14, 15, 30, 31);
    }
    memcpy(v, out, sizeof out);
  }
}

static void transpose(bytes16 *v, size_t element_bytes) {
  if (element_bytes == 1) transpose_bytes(v);
  else transpose_pairs(v);
}

static size_t at_most(size_t count, size_t limit) { return count < limit ? count : limit; }

/// Rows of up to 64 bytes of a strip, filled up with zeros. Rows are often a multiple of 4 KB apart,
/// where caches hold few of them at once: each line is read once and whole.
typedef struct staging {
  uint8_t bytes[STRIP_BYTES][STAGED_BYTES];
} staging;

static void stage(const uint8_t *rows, size_t row_stride, size_t row_count, size_t byte_count,
                  staging *staged) {
  if (byte_count < STAGED_BYTES || row_count < STRIP_BYTES) memset(staged, 0, sizeof *staged);
  for (size_t r = 0; r < row_count; r++) {
    if (byte_count == STAGED_BYTES) memcpy(staged->bytes[r], rows + r * row_stride, STAGED_BYTES);
    else memcpy(staged->bytes[r], rows + r * row_stride, byte_count);
  }
}

void quern_nz_from_columns(const uint8_t *rows, size_t row_stride, size_t row_count,
                           size_t column_count, size_t element_bytes, uint8_t *strip) {
  size_t side = VECTOR_BYTES / element_bytes, row_bytes = column_count * element_bytes;
  size_t stored = round_up(column_count, BLOCK_ROWS) * element_bytes;
  staging staged;
  for (size_t first = 0; first < stored; first += STAGED_BYTES) {
    size_t inside = first < row_bytes ? at_most(STAGED_BYTES, row_bytes - first) : 0;
    stage(rows + first, row_stride, row_count, inside, &staged);
    for (size_t b = 0; b < at_most(STAGED_BYTES, stored - first); b += VECTOR_BYTES) {
      uint8_t *target = strip + STRIP_BYTES * ((first + b) / element_bytes);
      for (size_t half = 0; half < 2; half++) {
        bytes16 v[VECTOR_BYTES];
        for (size_t r = 0; r < side; r++) v[r] = load16(staged.bytes[half * side + r] + b);
        transpose(v, element_bytes);
        for (size_t j = 0; j < side; j++)
          memcpy(target + STRIP_BYTES * j + VECTOR_BYTES * half, &v[j], VECTOR_BYTES);
      }
    }
  }
}

/// The offset in the strip of the first byte of padding that is not zero.
static ptrdiff_t bad_padding(const uint8_t *strip, size_t row_count, size_t column_count,
                             size_t element_bytes) {
  for (size_t c = 0; c < round_up(column_count, BLOCK_ROWS); c++) {
    size_t inside = c < column_count ? row_count * element_bytes : 0;
    size_t zeros = first_nonzero(strip + STRIP_BYTES * c + inside, STRIP_BYTES - inside);
    if (zeros < STRIP_BYTES - inside) return (ptrdiff_t)(STRIP_BYTES * c + inside + zeros);
  }
  return NO_OFFSET;
}

ptrdiff_t quern_columns_from_nz(const uint8_t *strip, size_t row_stride, size_t row_count,
                                size_t column_count, size_t element_bytes, uint8_t *rows) {
  size_t side = VECTOR_BYTES / element_bytes;
  for (size_t c = 0; c < round_up(column_count, BLOCK_ROWS); c += side) {
    size_t bytes = c < column_count ? at_most(side, column_count - c) * element_bytes : 0;
    for (size_t half = 0; half < 2; half++) {
      size_t first = half * side, count = row_count > first ? at_most(side, row_count - first) : 0;
      bytes16 v[VECTOR_BYTES];
      for (size_t j = 0; j < side; j++)
        v[j] = load16(strip + STRIP_BYTES * (c + j) + VECTOR_BYTES * half);
      transpose(v, element_bytes);
      for (size_t r = 0; r < count; r++)
        memcpy(rows + (first + r) * row_stride + c * element_bytes, &v[r], bytes);
    }
  }
  return bad_padding(strip, row_count, column_count, element_bytes);
}
