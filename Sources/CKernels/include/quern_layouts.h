/// FRACTAL_NZ as copies of bytes. A strip is 32 bytes wide whatever the elements are: a matrix of two
/// axes is a row of strips, a strip its rows one below the other, filled up with zeros to a multiple of
/// 16 rows. See `formats/ascend/fractal-nz`.
#ifndef QUERN_LAYOUTS_H
#define QUERN_LAYOUTS_H

#include <stddef.h>
#include <stdint.h>

/// Rows to strips: bytes 32·s … 32·s + 31 of row r go to strips[s·strip_stride + 32·r].
void quern_nz_from_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *strips,
                        size_t strip_stride);
/// The inverse. Returns the offset of a padding byte that is not zero, or −1.
ptrdiff_t quern_rows_from_nz(const uint8_t *strips, size_t strip_stride, size_t row_bytes,
                             size_t row_count, uint8_t *rows);

/// One strip of the transpose: `row_count` rows, at most 32/element_bytes of them, become the columns
/// of a strip. Element c of row r goes to strip[32·c + element_bytes·r]. element_bytes is 1 or 2.
void quern_nz_from_columns(const uint8_t *rows, size_t row_stride, size_t row_count,
                           size_t column_count, size_t element_bytes, uint8_t *strip);
/// The inverse. Returns the offset of a padding byte that is not zero, or −1.
ptrdiff_t quern_columns_from_nz(const uint8_t *strip, size_t row_stride, size_t row_count,
                                size_t column_count, size_t element_bytes, uint8_t *rows);

#endif
