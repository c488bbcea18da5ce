/// The reference encoders as rivals of the searches for whole blocks.
#ifndef QUERN_OPTIMAL_REFERENCE_H
#define QUERN_OPTIMAL_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/// A block format.
typedef struct block_coder {
  void (*encode)(const float *source, uint8_t *blocks, size_t count);
  void (*decode)(const uint8_t *blocks, float *out, size_t count);
  size_t elements, bytes;  ///< of a block, at most 256 of each
} block_coder;

/// Replaces an encoded block by what the reference encoder makes of it where that has the
/// smaller weighted squared error, in double and in the order of the elements. A block that does not
/// decode to finite numbers stays. All weights are 1 where they are NULL or none is above 0.
void quern_keep_better_reference(const block_coder *coder, const float *values,
                                 const float *weights, uint8_t *block);

#endif
