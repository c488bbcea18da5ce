/// Loading of sixteen runs and of their weights, in units in which they can be searched.
#ifndef QUERN_VECTOR_RUNS_LOAD_H
#define QUERN_VECTOR_RUNS_LOAD_H

#include "runs16.h"

/// Where sixteen runs start. All weights are 1 where `weights` are NULL.
typedef struct run_starts {
  const float *source[16], *weights[16];
} run_starts;

/// The power of two that elements of a block are divided by, so that the largest lies from 1 to 2.
/// Squares then neither overflow nor vanish; storable scales are rounded in the source's unit.
typedef struct block_units {
  floats16 unit, inverse;
  floats16 largest;  ///< magnitude in the block, before
} block_units;

/// `runs` runs, at most sixteen, one after the other; the first again in the lanes that are left.
RUNS_INLINE run_starts runs_in_sequence(const float *source, const float *weights, int length,
                                        int runs) {
  run_starts starts;
  for (int lane = 0; lane < 16; lane++) {
    int offset = lane < runs ? length * lane : 0;
    starts.source[lane] = source + offset;
    starts.weights[lane] = weights ? weights + offset : NULL;
  }
  return starts;
}

/// The eight runs of two super-blocks.
RUNS_INLINE run_starts runs_of_pair(const float *const sources[2], const float *const weights[2]) {
  run_starts starts;
  for (int lane = 0; lane < 16; lane++) {
    starts.source[lane] = sources[lane / 8] + 32 * (lane % 8);
    starts.weights[lane] = weights[0] ? weights[lane / 8] + 32 * (lane % 8) : NULL;
  }
  return starts;
}

/// Element i of all runs becomes out[i]. `length` is 16 or 32.
RUNS_INLINE void load_transposed(const float *const starts[16], int length, floats16 *out) {
  for (int part = 0; part < length; part += 16) {
    for (int lane = 0; lane < 16; lane++) memcpy(out + part + lane, starts[lane] + part, 64);
    TRANSPOSE16(floats16, out + part)
  }
}

/// 2^−⌊log2 a⌋, and 0 for what is below `least`.
RUNS_INLINE floats16 inverse_power16(floats16 a, float least) {
  ints16 exponent = __builtin_elementwise_min((ints16)a & 0x7f800000, (ints16){0} + 0x7e800000);
  return pick16(a >= least, (floats16)(0x7f000000 - exponent), all16(0));
}

/// The smallest magnitude that half the smallest F16 value does not exceed. Blocks below encode to
/// zeros: their elements are loaded as such.
static const float least_encoded = 0x1p-25f;

/// Loads elements in the units of their blocks.
RUNS_INLINE block_units load_elements(const run_starts *starts, int length, int lanes_per_block,
                                      floats16 *x) {
  load_transposed(starts->source, length, x);
  block_units units = {.largest = all16(0)};
  for (int i = 0; i < length; i++) units.largest = larger16(magnitude16(x[i]), units.largest);
  units.largest = largest_of_block(units.largest, lanes_per_block);
  units.inverse = inverse_power16(units.largest, least_encoded);
  units.unit = inverse_power16(units.inverse, 0x1p-126f);
  for (int i = 0; i < length; i++) x[i] *= units.inverse;
  return units;
}

/// A weight below this part of a block's largest counts as this part of it: what nothing is known to
/// depend on is encoded well all the same, and the sums stay accurate.
static const float least_weight = 0x1p-20f;

/// Loads weights, the largest of a block being scaled to lie from 1 to 2. All count the same where
/// all are zero.
RUNS_INLINE void load_weights(const run_starts *starts, int length, int lanes_per_block,
                              floats16 *w) {
  if (!starts->weights[0]) {
    for (int i = 0; i < length; i++) w[i] = all16(1);
    return;
  }
  load_transposed(starts->weights, length, w);
  floats16 largest = all16(0);
  for (int i = 0; i < length; i++) largest = larger16(w[i], largest);
  largest = largest_of_block(largest, lanes_per_block);
  floats16 inverse = inverse_power16(largest, 0x1p-149f);
  for (int i = 0; i < length; i++) w[i] = larger16(w[i] * inverse, all16(least_weight));
}

/// The F16 value nearest to a, which is in units. What would vanish becomes the smallest there is.
RUNS_INLINE floats16 storable_in_units(floats16 a, const block_units *units) {
  floats16 stored = storable16(a * units->unit), smallest = all16(0x1p-24f);
  ints16 vanished = (ints16)(stored == 0.0f) & (ints16)(a != 0.0f);
  stored = pick16(vanished, pick16(a > 0.0f, smallest, -smallest), stored);
  return stored * units->inverse;
}

/// The F16 bits of a scale in the units of a lane's block; never −0.
RUNS_INLINE uint16_t f16_in_units(floats16 a, const block_units *units, int lane) {
  return f16_of_f32(a[lane] * units->unit[lane] + 0.0f);
}

#endif
