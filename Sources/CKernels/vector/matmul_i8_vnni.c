#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)

#include <immintrin.h>

// x86-64-v4 does not have these instructions: they are looked for when they are called for.
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4,avx512vnni"))),                 \
                             apply_to = function)

#define LANES 16
#define QUERN_VNNI
#include "matmul_i8.h"

void quern_vnni_matmul_i8(const quern_matmul *shape, const int8_t *x, const int8_t *w,
                          int32_t *out) {
  matmul_i8(shape, x, w, out);
}

#pragma clang attribute pop

#endif
