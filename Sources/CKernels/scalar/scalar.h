/// The definition of every kernel, in plain loops. Vector instances fall back to these functions
/// for single blocks that their fast path does not take.
#ifndef QUERN_SCALAR_H
#define QUERN_SCALAR_H

#include "../include/quern_kernels.h"

void quern_scalar_f32_from_bf16(const void *source, float *out, size_t count);
void quern_scalar_f32_from_f16(const void *source, float *out, size_t count);
void quern_scalar_f32_from_fp8(const uint8_t *codes, const float *table, const float *scales,
                               size_t scale_block, float *out, size_t count);
void quern_scalar_f32_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, float *out,
                                size_t count);
void quern_scalar_f32_from_q8_0(const uint8_t *blocks, float *out, size_t count);
void quern_scalar_f32_from_q4_0(const uint8_t *blocks, float *out, size_t count);
void quern_scalar_f32_from_mxfp4(const uint8_t *blocks, float *out, size_t count);

void quern_scalar_bf16_from_f32(const float *source, void *out, size_t count);
void quern_scalar_f16_from_f32(const float *source, void *out, size_t count);
void quern_scalar_q8_0_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_q4_0_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_mxfp4_from_f32(const float *source, uint8_t *blocks, size_t count);

void quern_scalar_mxfp4_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks,
                                  size_t count);
void quern_scalar_q8_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks,
                                 size_t count);
void quern_scalar_q4_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks,
                                 size_t count);

size_t quern_scalar_first_non_finite(const float *values, size_t count);
void quern_scalar_compare(const float *source, const float *output, size_t position, size_t count,
                          quern_comparison *sums);
bool quern_scalar_compare_e2m1_mxfp4(const uint8_t *packed, const uint8_t *e8m0,
                                     const uint8_t *blocks, size_t position, size_t count,
                                     quern_comparison *sums);
bool quern_scalar_compare_e2m1_q8_0(const uint8_t *packed, const uint8_t *e8m0,
                                    const uint8_t *blocks, size_t position, size_t count,
                                    quern_comparison *sums);

extern const quern_kernels quern_scalar_kernels;

#endif
