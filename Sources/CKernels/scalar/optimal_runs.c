#pragma STDC FP_CONTRACT OFF

// Vectors of 64 bytes travel only between the static functions of this file: how, no other file
// sees.
#pragma clang diagnostic ignored "-Wpsabi"

#include "scalar.h"

#include "../vector/optimal_iq4_xs.h"
#include "../vector/optimal_q4_1.h"
#include "../vector/optimal_q4_k.h"
#include "../vector/optimal_q6_k.h"

// Every lane of these loops is a plain loop over one run, so that they are their own definition.

#define DEFINE_OPTIMALLY(format)                                                                   \
  void quern_scalar_##format##_optimally(const float *source, const float *weights,               \
                                         uint8_t *blocks, size_t count) {                          \
    format##_optimally(source, weights, blocks, count);                                            \
  }

DEFINE_OPTIMALLY(q4_1)
DEFINE_OPTIMALLY(q5_1)
DEFINE_OPTIMALLY(q4_k)
DEFINE_OPTIMALLY(q5_k)
DEFINE_OPTIMALLY(q6_k)
DEFINE_OPTIMALLY(iq4_xs)
