/// The fields of a table, once the functions of a level are there.
#define QUERN_VECTOR_KERNELS                                                                    \
  .f32_from_bf16 = f32_from_bf16, .f32_from_f16 = f32_from_f16, .f32_from_fp8 = f32_from_fp8,   \
  .f32_from_e2m1 = f32_from_e2m1, .f32_from_q8_0 = f32_from_q8_0,                               \
  .f32_from_q4_0 = f32_from_q4_0, .f32_from_mxfp4 = f32_from_mxfp4,                             \
  .bf16_from_f32 = bf16_from_f32, .f16_from_f32 = f16_from_f32, .q8_0_from_f32 = q8_0_from_f32, \
  .q4_0_from_f32 = q4_0_from_f32, .mxfp4_from_f32 = mxfp4_from_f32,                             \
  .mxfp4_from_e2m1 = mxfp4_from_e2m1, .q8_0_from_e2m1 = q8_0_from_e2m1,                         \
  .q4_0_from_e2m1 = q4_0_from_e2m1, .first_non_finite = first_non_finite, .compare = compare,   \
  .compare_e2m1_mxfp4 = compare_e2m1_mxfp4, .compare_e2m1_q8_0 = compare_e2m1_q8_0,             \
  .blake3 = blake3
