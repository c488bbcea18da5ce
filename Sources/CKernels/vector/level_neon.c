#pragma STDC FP_CONTRACT OFF

#if defined(__aarch64__)

#define LANES 4
#include "blake3.h"
#include "compare_grid.h"
#include "decode.h"
#include "encode.h"
#include "grid.h"
#include "levels.h"
#include "table.h"

const quern_kernels quern_neon_kernels = {.level = QUERN_LEVEL_NEON, QUERN_VECTOR_KERNELS};

#endif
