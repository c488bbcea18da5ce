/// Products of rows stored in block formats with rows of activations, as llama.cpp's CPU backend takes
/// them: the activations are rounded to eight bits in blocks of their own, products of codes are
/// summed as integers and scaled. `formats/products` has the definition.
///
/// As in `quern_kernels.h`: no allocation, float32 with one rounding per operation, the same bytes
/// from every level.
#ifndef QUERN_PRODUCTS_H
#define QUERN_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quern_gptq.h"

enum {
  /// Codes that rows are filled up to a multiple of, with zeros.
  QUERN_CODE_CHUNK = 64,
  /// Codes of one scale, and of one offset or sum.
  QUERN_CODE_GROUP = 16,
  QUERN_OFFSET_GROUP = 32,
};

/// How activations are rounded: ggml's names.
typedef enum quern_activation_format {
  QUERN_ACTIVATIONS_Q8_0,  ///< blocks of 32, F16 scale
  QUERN_ACTIVATIONS_Q8_1,  ///< the same, and F16 sums
  QUERN_ACTIVATIONS_Q8_K,  ///< blocks of 256, float32 scale
} quern_activation_format;

/// Rows in parts: code k of a row has the scale k / 16 and the offset k / 32 of that row.
///
/// Of weights, an element is scale · code + offset. Of activations it is scale · code, and in the place
/// of offsets are sums of the elements.
typedef struct quern_code_rows {
  size_t rows;
  size_t stride;   ///< codes from a row to the next, zeros at the end: `quern_code_stride`
  int8_t *codes;   ///< [rows, stride]
  float *scales;   ///< [rows, stride / 16]
  float *offsets;  ///< [rows, `quern_offset_stride(stride)`], or NULL where there are none
} quern_code_rows;

static inline size_t quern_code_stride(size_t count) {
  return (count + QUERN_CODE_CHUNK - 1) / QUERN_CODE_CHUNK * QUERN_CODE_CHUNK;
}

/// Offsets of a row, zeros at the end: a multiple of 16.
static inline size_t quern_offset_stride(size_t code_stride) {
  return (code_stride / QUERN_OFFSET_GROUP + 15) / 16 * 16;
}

/// Whether elements of a format have offsets.
bool quern_has_offsets(quern_code_format format);

/// Takes one row of `count` elements, whole blocks, apart.
void quern_codes_from_blocks(quern_code_format format, const uint8_t *blocks, size_t count,
                             quern_code_rows out, size_t row);

/// Rounds one row of `count` finite activations, whole blocks. Blocks whose largest magnitude is so
/// small that 127 divided by it is infinite become zeros.
void quern_codes_from_activations(quern_activation_format format, const float *values, size_t count,
                                  quern_code_rows out, size_t row);

#endif
