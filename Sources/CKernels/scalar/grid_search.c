#pragma STDC FP_CONTRACT OFF

#include "../grid/iq4_xs.h"
#include "../grid/q4_1.h"
#include "../grid/q4_k.h"

void quern_scalar_iq4_nl_from_e2m1(const uint8_t *packed, const uint8_t *e8m0,
                                   const float *weights, uint8_t *blocks, size_t count) {
  iq4_nl_blocks(packed, e8m0, weights, blocks, count, &quern_scalar_kernels.iq4_nl);
}

void quern_scalar_q4_k_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count) {
  q4_k_blocks(packed, e8m0, weights, blocks, count, &quern_scalar_kernels.q4_k);
}

void quern_scalar_q4_1_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count) {
  q4_1_blocks(packed, e8m0, weights, blocks, count, &quern_scalar_kernels.q4_1);
}

void quern_scalar_iq4_xs_from_e2m1(const uint8_t *packed, const uint8_t *e8m0,
                                   const float *weights, uint8_t *blocks, size_t count) {
  iq4_xs_blocks(packed, e8m0, weights, blocks, count, &quern_scalar_kernels.iq4_xs);
}
