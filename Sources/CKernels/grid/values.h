/// Blocks encoded from the values of the grid: where it offers no scale, and where a search over
/// real numbers may do better.
#ifndef QUERN_GRID_VALUES_H
#define QUERN_GRID_VALUES_H

#include <math.h>

#include "../scalar/scalar.h"
#include "runs.h"

/// Encodes one block, of any format, from its values.
static inline void block_from_values(const quern_block_kernels *kernels, const uint8_t *packed,
                                     const uint8_t *e8m0, const float *weights, uint8_t *block,
                                     size_t elements) {
  float values[SUPER_ELEMENTS];
  quern_scalar_f32_from_e2m1(packed, e8m0, values, elements);
  kernels->optimal(values, weights, block, elements);
}

/// Σ w · (value − decoded)² of a block, in the order of its elements; weights of zeros alone count as
/// ones.
static inline double block_error(const quern_block_kernels *kernels, const float *values,
                                 const float *weights, const uint8_t *block, size_t elements) {
  float decoded[SUPER_ELEMENTS];
  double sum = 0;
  bool is_weighted = false;
  for (size_t i = 0; weights && i < elements; i++) is_weighted |= weights[i] > 0;
  kernels->decode(block, decoded, elements);
  for (size_t i = 0; i < elements; i++) {
    double error = (double)values[i] - (double)decoded[i];
    sum += (is_weighted ? (double)weights[i] : 1) * (error * error);
  }
  return sum;
}

/// Encodes one block from the grid; false where it has no scale to offer.
typedef bool (*grid_encoder)(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                             uint8_t *block);

/// The formats that are searched for, with the sizes of their blocks and the kernels of the level.
typedef struct grid_format {
  const quern_block_kernels *kernels;
  grid_encoder encode;
  size_t elements, bytes;
} grid_format;

/// Elements encoded at once: searches over values go through sixteen runs side by side. No format
/// that is searched for has more than 20 bytes for 32 of them.
enum { BATCH_ELEMENTS = 512, BATCH_BLOCKS = 16, BATCH_BYTES = 20 * BATCH_BLOCKS };

/// Encodes blocks from the grid, takes those of the search over values where they have a smaller
/// error, and where the grid has none.
static inline __attribute__((always_inline)) void encode_batch(
  grid_format format, const uint8_t *packed, const uint8_t *e8m0, const float *weights,
  uint8_t *blocks, size_t count) {
  float values[BATCH_ELEMENTS];
  double errors[BATCH_BLOCKS];
  uint8_t others[BATCH_BYTES];
  size_t elements = format.elements;
  bool wanted = false;
  quern_scalar_f32_from_e2m1(packed, e8m0, values, count);
  for (size_t i = 0, b = 0; i < count; i += elements, b++) {
    uint8_t *block = blocks + b * format.bytes;
    const float *own = weights ? weights + i : NULL;
    bool found = format.encode(packed + i / 2, e8m0 + i / BLOCK_ELEMENTS, own, block);
    errors[b] =
      found ? block_error(format.kernels, values + i, own, block, elements) : INFINITY;
    wanted |= errors[b] > 0;
  }
  if (!wanted) return;
  format.kernels->optimal(values, weights, others, count);
  for (size_t i = 0, b = 0; i < count; i += elements, b++) {
    const uint8_t *other = others + b * format.bytes;
    const float *own = weights ? weights + i : NULL;
    if (errors[b] == 0) continue;
    if (isinf(errors[b])
        || block_error(format.kernels, values + i, own, other, elements) < errors[b])
      memcpy(blocks + b * format.bytes, other, format.bytes);
  }
}

static inline __attribute__((always_inline)) void encode_searching(
  grid_format format, const uint8_t *packed, const uint8_t *e8m0, const float *weights,
  uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += BATCH_ELEMENTS) {
    size_t now = count - i < BATCH_ELEMENTS ? count - i : BATCH_ELEMENTS;
    encode_batch(format, packed + i / 2, e8m0 + i / BLOCK_ELEMENTS, weights ? weights + i : NULL,
                 blocks + i / format.elements * format.bytes, now);
  }
}

#endif
