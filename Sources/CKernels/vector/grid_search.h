/// Searches on the FP4 grid: the bodies of `grid`, compiled for the level.
#ifndef QUERN_VECTOR_GRID_SEARCH_H
#define QUERN_VECTOR_GRID_SEARCH_H

#include "../grid/iq4_xs.h"
#include "../grid/q4_1.h"
#include "../grid/q4_k.h"
#include "levels.h"

#if LANES == 16
#define OWN_KERNELS quern_v4_kernels
#elif LANES == 8
#define OWN_KERNELS quern_v3_kernels
#else
#define OWN_KERNELS quern_neon_kernels
#endif

static void iq4_nl_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                             uint8_t *blocks, size_t count) {
  iq4_nl_blocks(packed, e8m0, weights, blocks, count, &OWN_KERNELS.iq4_nl);
}

static void q4_k_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                           uint8_t *blocks, size_t count) {
  q4_k_blocks(packed, e8m0, weights, blocks, count, &OWN_KERNELS.q4_k);
}

static void q4_1_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                           uint8_t *blocks, size_t count) {
  q4_1_blocks(packed, e8m0, weights, blocks, count, &OWN_KERNELS.q4_1);
}

static void iq4_xs_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                             uint8_t *blocks, size_t count) {
  iq4_xs_blocks(packed, e8m0, weights, blocks, count, &OWN_KERNELS.iq4_xs);
}

#endif
