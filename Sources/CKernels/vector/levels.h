/// The tables of the vector instances; each exists on its architecture only.
#ifndef QUERN_LEVELS_H
#define QUERN_LEVELS_H

#include "../include/quern_kernels.h"

extern const quern_kernels quern_v3_kernels;
extern const quern_kernels quern_v4_kernels;
extern const quern_kernels quern_neon_kernels;

#endif
