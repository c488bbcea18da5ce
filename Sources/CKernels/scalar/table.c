#pragma STDC FP_CONTRACT OFF

#include "../blake3.h"
#include "scalar.h"

const quern_kernels quern_scalar_kernels = {
  .level = QUERN_LEVEL_SCALAR,
  .f32_from_bf16 = quern_scalar_f32_from_bf16,
  .f32_from_f16 = quern_scalar_f32_from_f16,
  .f32_from_fp8 = quern_scalar_f32_from_fp8,
  .f32_from_e2m1 = quern_scalar_f32_from_e2m1,
  .f32_from_q8_0 = quern_scalar_f32_from_q8_0,
  .f32_from_q4_0 = quern_scalar_f32_from_q4_0,
  .f32_from_mxfp4 = quern_scalar_f32_from_mxfp4,
  .bf16_from_f32 = quern_scalar_bf16_from_f32,
  .f16_from_f32 = quern_scalar_f16_from_f32,
  .q8_0_from_f32 = quern_scalar_q8_0_from_f32,
  .q4_0_from_f32 = quern_scalar_q4_0_from_f32,
  .mxfp4_from_f32 = quern_scalar_mxfp4_from_f32,
  .mxfp4_from_e2m1 = quern_scalar_mxfp4_from_e2m1,
  .q8_0_from_e2m1 = quern_scalar_q8_0_from_e2m1,
  .q4_0_from_e2m1 = quern_scalar_q4_0_from_e2m1,
  .first_non_finite = quern_scalar_first_non_finite,
  .compare = quern_scalar_compare,
  .compare_e2m1_mxfp4 = quern_scalar_compare_e2m1_mxfp4,
  .compare_e2m1_q8_0 = quern_scalar_compare_e2m1_q8_0,
  .blake3 = quern_scalar_blake3,
};
