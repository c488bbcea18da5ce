/// Super-blocks that the searches are not made for. The fits of runs one by one say little about a
/// common scale where the runs are much the same, or all but constant, or mostly zeros: there the
/// reference encoder may do better, and is tried as well. Ordinary rows have next to none of these.
#ifndef QUERN_VECTOR_OPTIMAL_UNUSUAL_H
#define QUERN_VECTOR_OPTIMAL_UNUSUAL_H

#include "../scalar/optimal_reference.h"
#include "../scalar/scalar.h"
#include "runs_load.h"

/// In each lane what is set in any lane of its block, of 8 or 16 lanes.
RUNS_INLINE ints16 any_of_block(ints16 a, int lanes_per_block) {
  if (lanes_per_block == 16) a |= SWAPPED16(a, 8);
  a |= SWAPPED16(a, 4);
  a |= SWAPPED16(a, 2);
  return a | SWAPPED16(a, 1);
}

/// Whether a run of the lane's block has no two signs, or no values but its extremes, or repeats
/// another; or whether one of eight is much smaller than another.
RUNS_INLINE ints16 unusual16(const floats16 *x, int length, int lanes_per_block) {
  floats16 least = x[0], most = x[0];
  ints16 repeats = ~(ints16){0}, has_two = repeats;
  for (int i = 0; i < length; i++) {
    least = smaller16(least, x[i]);
    most = larger16(most, x[i]);
    // The other run 32 elements away.
    repeats &= x[i] == (lanes_per_block == 16 ? SWAPPED16(x[i], 2) : SWAPPED16(x[i], 1));
  }
  for (int i = 0; i < length; i++) has_two &= (x[i] == least) | (x[i] == most);
  floats16 largest = larger16(most, -least);
  floats16 smallest = -largest_of_block(-largest, lanes_per_block);
  ints16 is_spread = (lanes_per_block == 8 ? largest : all16(0)) > 20 * smallest;
  return any_of_block((least >= 0.0f) | (most <= 0.0f) | repeats | has_two | is_spread,
                      lanes_per_block);
}

/// Tries the reference encoder for the unusual of the super-blocks that were loaded and encoded.
RUNS_INLINE void check_unusual(const block_coder *coder, const run_starts *starts,
                               const floats16 *x, int length, const block_units *units,
                               uint8_t *const *blocks) {
  int lanes_per_block = 256 / length;
  ints16 unusual = unusual16(x, length, lanes_per_block);
  for (int lane = 0; lane < 16; lane += lanes_per_block)
    if (unusual[lane] && units->largest[lane] >= least_encoded)
      quern_keep_better_reference(coder, starts->source[lane], starts->weights[lane],
                                  blocks[lane / lanes_per_block]);
}

#endif
