#pragma STDC FP_CONTRACT OFF

#include "../blake3.h"
#include "scalar.h"

const quern_kernels quern_scalar_kernels = {
  .level = QUERN_LEVEL_SCALAR,
  .f32_from_bf16 = quern_scalar_f32_from_bf16,
  .f32_from_f16 = quern_scalar_f32_from_f16,
  .f32_from_fp8 = quern_scalar_f32_from_fp8,
  .f32_from_e2m1 = quern_scalar_f32_from_e2m1,
  .bf16_from_f32 = quern_scalar_bf16_from_f32,
  .f16_from_f32 = quern_scalar_f16_from_f32,
  .q8_0 = {
    .decode = quern_scalar_f32_from_q8_0,
    .reference = quern_scalar_q8_0_from_f32,
    .optimal = quern_scalar_q8_0_optimally,
    .from_e2m1 = quern_scalar_q8_0_from_e2m1,
  },
  .q4_0 = {
    .decode = quern_scalar_f32_from_q4_0,
    .reference = quern_scalar_q4_0_from_f32,
    .optimal = quern_scalar_q4_0_optimally,
    .from_e2m1 = quern_scalar_q4_0_from_e2m1,
  },
  .q4_1 = {
    .decode = quern_scalar_f32_from_q4_1,
    .reference = quern_scalar_q4_1_from_f32,
    .optimal = quern_scalar_q4_1_optimally,
    .from_e2m1 = quern_scalar_q4_1_from_e2m1,
  },
  .q5_0 = {
    .decode = quern_scalar_f32_from_q5_0,
    .reference = quern_scalar_q5_0_from_f32,
    .optimal = quern_scalar_q5_0_optimally,
    .from_e2m1 = quern_scalar_q5_0_from_e2m1,
  },
  .q5_1 = {
    .decode = quern_scalar_f32_from_q5_1,
    .reference = quern_scalar_q5_1_from_f32,
    .optimal = quern_scalar_q5_1_optimally,
    .from_e2m1 = quern_scalar_q5_1_from_e2m1,
  },
  .iq4_nl = {
    .decode = quern_scalar_f32_from_iq4_nl,
    .reference = quern_scalar_iq4_nl_from_f32,
    .optimal = quern_scalar_iq4_nl_optimally,
    .from_e2m1 = quern_scalar_iq4_nl_from_e2m1,
  },
  .mxfp4 = {
    .decode = quern_scalar_f32_from_mxfp4,
    .reference = quern_scalar_mxfp4_from_f32,
    .optimal = quern_scalar_mxfp4_optimally,
    .from_e2m1 = quern_scalar_mxfp4_from_e2m1,
  },
  .nvfp4 = {
    .decode = quern_scalar_f32_from_nvfp4,
    .reference = quern_scalar_nvfp4_from_f32,
    .optimal = quern_scalar_nvfp4_optimally,
    .from_e2m1 = quern_scalar_nvfp4_from_e2m1,
  },
  .q4_k = {
    .decode = quern_scalar_f32_from_q4_k,
    .reference = quern_scalar_q4_k_from_f32,
    .optimal = quern_scalar_q4_k_optimally,
    .from_e2m1 = quern_scalar_q4_k_from_e2m1,
  },
  .q5_k = {
    .decode = quern_scalar_f32_from_q5_k,
    .reference = quern_scalar_q5_k_from_f32,
    .optimal = quern_scalar_q5_k_optimally,
    .from_e2m1 = quern_scalar_q5_k_from_e2m1,
  },
  .q6_k = {
    .decode = quern_scalar_f32_from_q6_k,
    .reference = quern_scalar_q6_k_from_f32,
    .optimal = quern_scalar_q6_k_optimally,
    .from_e2m1 = quern_scalar_q6_k_from_e2m1,
  },
  .iq4_xs = {
    .decode = quern_scalar_f32_from_iq4_xs,
    .reference = quern_scalar_iq4_xs_from_f32,
    .optimal = quern_scalar_iq4_xs_optimally,
    .from_e2m1 = quern_scalar_iq4_xs_from_e2m1,
  },
  .integers_by_absmax = quern_scalar_integers_by_absmax,
  .integers_optimally = quern_scalar_integers_optimally,
  .first_non_finite = quern_scalar_first_non_finite,
  .compare = quern_scalar_compare,
  .compare_e2m1_mxfp4 = quern_scalar_compare_e2m1_mxfp4,
  .compare_e2m1_q8_0 = quern_scalar_compare_e2m1_q8_0,
  .gptq = quern_scalar_gptq,
  .blake3 = quern_scalar_blake3,
};
