#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)

#include <immintrin.h>

// x86-64-v4 does not have these instructions: they are looked for when they are called for.
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4,avx512vnni"))),                 \
                             apply_to = function)

#define LANES 16
#define QUERN_VNNI
#include "products.h"

void quern_vnni_multiply_codes(const quern_code_rows *x, const quern_code_rows *w, float *out,
                               size_t out_stride) {
  multiply_codes(x, w, out, out_stride);
}

#pragma clang attribute pop

#endif
