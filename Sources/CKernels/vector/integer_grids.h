/// Groups of integers from the FP4 grid, compiled for the level, and to float32.
#ifndef QUERN_VECTOR_INTEGER_GRIDS_H
#define QUERN_VECTOR_INTEGER_GRIDS_H

#include "../scalar/integer_grids.h"

static size_t integers_from_e2m1(const quern_integer_layout *layout, const uint8_t *packed,
                                 const uint8_t *e8m0, const float *weights,
                                 quern_integer_planes planes, size_t count) {
  return encode_grid_groups(layout, packed, e8m0, weights, planes, count);
}

static void f32_from_integers(const int8_t *codes, const float *scales, size_t group, float *out,
                              size_t count) {
  for (size_t start = 0; start < count; start += group) {
    float scale = *scales++;
    for (size_t i = start; i < start + group; i++) out[i] = (float)codes[i] * scale;
  }
}

#endif
