/// The fields of a table, once the functions of a level are there.
#define QUERN_VECTOR_KERNELS                                                                       \
  .f32_from_bf16 = f32_from_bf16, .f32_from_f16 = f32_from_f16, .f32_from_fp8 = f32_from_fp8,      \
  .f32_from_e2m1 = f32_from_e2m1, .bf16_from_f32 = bf16_from_f32, .f16_from_f32 = f16_from_f32,    \
  .q8_0 = {.decode = f32_from_q8_0, .reference = q8_0_from_f32, .optimal = q8_0_optimally,         \
          .from_e2m1 = q8_0_from_e2m1},                                                            \
  .q4_0 = {.decode = f32_from_q4_0, .reference = q4_0_from_f32,                                    \
           .optimal = q4_0_optimally, .from_e2m1 = q4_0_from_e2m1},                                \
  .q4_1 = {.decode = f32_from_q4_1, .reference = q4_1_from_f32,                                    \
           .optimal = q4_1_optimally, .from_e2m1 = q4_1_from_e2m1},                                \
  .q5_0 = {.decode = f32_from_q5_0, .reference = q5_0_from_f32,                                    \
           .optimal = q5_0_optimally, .from_e2m1 = q5_0_from_e2m1},                                \
  .q5_1 = {.decode = f32_from_q5_1, .reference = q5_1_from_f32,                                    \
           .optimal = q5_1_optimally, .from_e2m1 = q5_1_from_e2m1},                                \
  .iq4_nl = {.decode = f32_from_iq4_nl, .reference = quern_scalar_iq4_nl_from_f32,                 \
             .optimal = iq4_nl_optimally, .from_e2m1 = iq4_nl_from_e2m1},                          \
  .mxfp4 = {.decode = f32_from_mxfp4, .reference = mxfp4_from_f32,                                 \
            .optimal = mxfp4_optimally, .from_e2m1 = mxfp4_from_e2m1},                             \
  .nvfp4 = {.decode = f32_from_nvfp4, .reference = nvfp4_from_f32,                                 \
            .optimal = nvfp4_optimally, .from_e2m1 = nvfp4_from_e2m1},                             \
  .q4_k = {.decode = f32_from_q4_k, .reference = quern_scalar_q4_k_from_f32,                       \
           .optimal = q4_k_optimally, .from_e2m1 = q4_k_from_e2m1},                                \
  .q5_k = {.decode = f32_from_q5_k, .reference = quern_scalar_q5_k_from_f32,                       \
           .optimal = q5_k_optimally, .from_e2m1 = q5_k_from_e2m1},                                \
  .q6_k = {.decode = f32_from_q6_k, .reference = quern_scalar_q6_k_from_f32,                       \
           .optimal = q6_k_optimally, .from_e2m1 = q6_k_from_e2m1},                                \
  .iq4_xs = {.decode = f32_from_iq4_xs, .reference = quern_scalar_iq4_xs_from_f32,                 \
             .optimal = iq4_xs_optimally, .from_e2m1 = iq4_xs_from_e2m1},                          \
  .integers_by_absmax = integers_by_absmax, .integers_optimally = integers_optimally,              \
  .integers_from_e2m1 = integers_from_e2m1, .f32_from_integers = f32_from_integers,                \
  .rotate_columns = rotate_columns, .rotate_rows = rotate_rows,                                    \
  .first_non_finite = first_non_finite, .compare = compare,                                        \
  .compare_e2m1_mxfp4 = compare_e2m1_mxfp4, .compare_e2m1_q8_0 = compare_e2m1_q8_0,                \
  .compare_e2m1_integers = compare_e2m1_integers,                                                  \
  .gptq = gptq_rows, .matmul_i8 = matmul_i8, .matmul_f32 = matmul_f32, .gram_f32 = gram_f32,    \
  .fma_chains = fma_chains, .multiply_codes = multiply_codes, .blake3 = blake3
