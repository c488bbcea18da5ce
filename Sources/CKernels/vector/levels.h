/// The tables of the vector instances; each exists on its architecture only.
#ifndef QUERN_LEVELS_H
#define QUERN_LEVELS_H

#include "../include/quern_kernels.h"

extern const quern_kernels quern_v3_kernels;
extern const quern_kernels quern_v4_kernels;
extern const quern_kernels quern_neon_kernels;

/// For CPUs with AVX-512 VNNI.
void quern_vnni_matmul_i8(const quern_matmul *shape, const int8_t *x, const int8_t *w,
                          int32_t *out);
void quern_vnni_multiply_codes(const quern_code_rows *x, const quern_code_rows *w, float *out,
                               size_t out_stride);

#endif
