/// Multiply-adds that wait for nothing but their own chain: what the fastest product could do.
#ifndef QUERN_FMA_CHAINS_H
#define QUERN_FMA_CHAINS_H

#include "../include/quern_kernels.h"
#include "matmul_f32.h"

static size_t fma_chains(size_t rounds, float out[QUERN_FMA_CHAINS]) {
  enum { CHAINS = 12 };
  register_lanes sums[CHAINS], factor = (register_lanes){0} + 0.75f;
  register_lanes term = (register_lanes){0} + 0.25f;
  memcpy(sums, out, sizeof sums);
  for (size_t round = 0; round < rounds; round++)
    for (int i = 0; i < CHAINS; i++) sums[i] = __builtin_elementwise_fma(sums[i], factor, term);
  memcpy(out, sums, sizeof sums);
  return rounds * CHAINS * LANES;
}

#endif
