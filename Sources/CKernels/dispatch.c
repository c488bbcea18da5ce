#pragma STDC FP_CONTRACT OFF

#include <stdatomic.h>

#include "scalar/scalar.h"

const quern_kernels *quern_kernels_at(quern_level level) {
  switch (level) {
  case QUERN_LEVEL_SCALAR: return &quern_scalar_kernels;
  default: return NULL;
  }
}

const quern_kernels *quern_kernels_best(void) { return &quern_scalar_kernels; }
