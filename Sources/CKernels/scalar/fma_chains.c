#pragma STDC FP_CONTRACT OFF

#include <math.h>

#include "scalar.h"

size_t quern_scalar_fma_chains(size_t rounds, float out[QUERN_FMA_CHAINS]) {
  enum { CHAINS = 8 };
  float sums[CHAINS];
  for (int i = 0; i < CHAINS; i++) sums[i] = out[i];
  for (size_t round = 0; round < rounds; round++)
    for (int i = 0; i < CHAINS; i++) sums[i] = fmaf(sums[i], 0.75f, 0.25f);
  for (int i = 0; i < CHAINS; i++) out[i] = sums[i];
  return rounds * CHAINS;
}
