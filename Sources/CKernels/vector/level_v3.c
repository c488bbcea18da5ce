#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)

#include <immintrin.h>

// Every function from here on is compiled for the level, the includes' inline ones too.
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)

// Vectors of 64 bytes travel only between the static functions of this file: how, no other file
// sees.
#pragma clang diagnostic ignored "-Wpsabi"

#define LANES 8
#include "blake3.h"
#include "compare_grid.h"
#include "decode.h"
#include "decode_blocks.h"
#include "encode.h"
#include "encode_blocks.h"
#include "fma_chains.h"
#include "gram_f32.h"
#include "grid.h"
#include "grid_blocks.h"
#include "grid_search.h"
#include "../gptq/rows.h"
#include "integer_grids.h"
#include "integer_groups.h"
#include "levels.h"
#include "matmul_f32.h"
#include "matmul_i8.h"
#include "optimal.h"
#include "optimal_iq4_xs.h"
#include "optimal_q4_1.h"
#include "optimal_q4_k.h"
#include "optimal_q6_k.h"
#include "optimal_q8_0.h"
#include "products.h"
#include "rotate.h"
#include "table.h"

const quern_kernels quern_v3_kernels = {.level = QUERN_LEVEL_V3, QUERN_VECTOR_KERNELS};

#pragma clang attribute pop

#endif
