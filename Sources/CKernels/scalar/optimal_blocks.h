/// What every level shares around the search: which weights and blocks are special, and how codes
/// are stored.
#ifndef QUERN_OPTIMAL_BLOCKS_H
#define QUERN_OPTIMAL_BLOCKS_H

#include "optimal_formats.h"

enum {
  NVFP4_GROUP = 16,  ///< elements of one scale
  F16_INFINITY = 0x7c00,
};

/// Writes a block once its scale is known.
typedef void (*block_writer)(const float *values, optimal_scale scale, uint8_t *block);

/// 1 for every element of a group.
extern const float quern_equal_weights[LARGEST_GROUP];

/// The weights of a group: all 1 where there are none, or none above 0.
static inline const float *effective_weights(const float *weights, int count) {
  if (weights)
    for (int i = 0; i < count; i++)
      if (weights[i] > 0) return weights;
  return quern_equal_weights;
}

/// From this magnitude on a block's scale rounds to infinity: 65520 times the largest value.
static inline float f16_overflow(float largest_value) { return 65520 * largest_value; }

#endif
