#pragma STDC FP_CONTRACT OFF

// Vectors of 64 bytes travel only between the static functions of this file.
#pragma clang diagnostic ignored "-Wpsabi"

#include "integer_grids.h"

size_t quern_scalar_integers_from_e2m1(const quern_integer_layout *layout, const uint8_t *packed,
                                       const uint8_t *e8m0, const float *weights,
                                       quern_integer_planes planes, size_t count) {
  return encode_grid_groups(layout, packed, e8m0, weights, planes, count);
}

void quern_scalar_f32_from_integers(const int8_t *codes, const float *scales, size_t group,
                                    float *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = (float)codes[i] * scales[i / group];
}
