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
void quern_scalar_f32_from_q4_1(const uint8_t *blocks, float *out, size_t count);
void quern_scalar_f32_from_q5_0(const uint8_t *blocks, float *out, size_t count);
void quern_scalar_f32_from_q5_1(const uint8_t *blocks, float *out, size_t count);
void quern_scalar_f32_from_iq4_nl(const uint8_t *blocks, float *out, size_t count);
void quern_scalar_f32_from_nvfp4(const uint8_t *blocks, float *out, size_t count);
void quern_scalar_f32_from_q4_k(const uint8_t *blocks, float *out, size_t count);
void quern_scalar_f32_from_q5_k(const uint8_t *blocks, float *out, size_t count);
void quern_scalar_f32_from_q6_k(const uint8_t *blocks, float *out, size_t count);
void quern_scalar_f32_from_iq4_xs(const uint8_t *blocks, float *out, size_t count);

void quern_scalar_bf16_from_f32(const float *source, void *out, size_t count);
void quern_scalar_f16_from_f32(const float *source, void *out, size_t count);
void quern_scalar_q8_0_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_q4_0_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_mxfp4_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_q4_1_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_q5_0_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_q5_1_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_iq4_nl_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_nvfp4_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_q4_k_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_q5_k_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_q6_k_from_f32(const float *source, uint8_t *blocks, size_t count);
void quern_scalar_iq4_xs_from_f32(const float *source, uint8_t *blocks, size_t count);

void quern_scalar_q8_0_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);
void quern_scalar_q4_0_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);
void quern_scalar_q5_0_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);
void quern_scalar_iq4_nl_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);
void quern_scalar_mxfp4_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);
void quern_scalar_nvfp4_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);
void quern_scalar_q4_1_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);
void quern_scalar_q5_1_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);
void quern_scalar_q4_k_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);
void quern_scalar_q5_k_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);
void quern_scalar_q6_k_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);
void quern_scalar_iq4_xs_optimally(const float *source, const float *weights, uint8_t *blocks,
                                  size_t count);

void quern_scalar_mxfp4_from_e2m1(const uint8_t *packed, const uint8_t *e8m0,
                                  const float *weights, uint8_t *blocks, size_t count);
void quern_scalar_q8_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0,
                                  const float *weights, uint8_t *blocks, size_t count);
void quern_scalar_q4_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0,
                                  const float *weights, uint8_t *blocks, size_t count);
void quern_scalar_q4_1_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count);
void quern_scalar_q5_0_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count);
void quern_scalar_q5_1_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count);
void quern_scalar_iq4_nl_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count);
void quern_scalar_nvfp4_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count);
void quern_scalar_q4_k_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count);
void quern_scalar_q5_k_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count);
void quern_scalar_q6_k_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count);
void quern_scalar_iq4_xs_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count);

size_t quern_scalar_integers_from_e2m1(const quern_integer_layout *layout, const uint8_t *packed,
                                       const uint8_t *e8m0, const float *weights,
                                       quern_integer_planes planes, size_t count);
void quern_scalar_f32_from_integers(const int8_t *codes, const float *scales, size_t group,
                                    float *out, size_t count);
void quern_scalar_integers_by_absmax(const quern_integer_layout *layout, const float *source,
                                     quern_integer_planes planes, size_t count);
void quern_scalar_integers_optimally(const quern_integer_layout *layout, const float *source,
                                     const float *weights, quern_integer_planes planes,
                                     size_t count);

void quern_scalar_rotate_columns(float *values, const float *gains, size_t row_length,
                                 size_t count);
void quern_scalar_rotate_rows(float *values, size_t row_length, size_t count);

size_t quern_scalar_first_non_finite(const float *values, size_t count);
void quern_scalar_compare(const float *source, const float *output, size_t position, size_t count,
                          quern_comparison *sums);
bool quern_scalar_compare_e2m1_mxfp4(const uint8_t *packed, const uint8_t *e8m0,
                                     const uint8_t *blocks, size_t position, size_t count,
                                     quern_comparison *sums);
bool quern_scalar_compare_e2m1_q8_0(const uint8_t *packed, const uint8_t *e8m0,
                                    const uint8_t *blocks, size_t position, size_t count,
                                    quern_comparison *sums);

bool quern_scalar_compare_e2m1_integers(const uint8_t *packed, const uint8_t *e8m0,
                                        const int8_t *codes, float scale, size_t position,
                                        size_t count, quern_comparison *sums);

void quern_scalar_gptq(const quern_gptq_factor *factor, const quern_gptq_rows *rows,
                       quern_gptq_workspace *workspace);

void quern_scalar_matmul_i8(const quern_matmul *shape, const int8_t *x, const int8_t *w,
                            int32_t *out);
void quern_scalar_matmul_f32(const quern_matmul *shape, const float *x, const float *w, float *out);
void quern_scalar_gram_f32(const float *x, size_t stride, size_t rows, size_t columns, double *out);
void quern_scalar_multiply_codes(const quern_code_rows *x, const quern_code_rows *w, float *out,
                                 size_t out_stride);
size_t quern_scalar_fma_chains(size_t rounds, float out[QUERN_FMA_CHAINS]);

extern const quern_kernels quern_scalar_kernels;

#endif
