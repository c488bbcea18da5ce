#pragma STDC FP_CONTRACT OFF

#include <stdatomic.h>

#include "scalar/scalar.h"
#include "vector/levels.h"

const quern_kernels *quern_kernels_at(quern_level level) {
  switch (level) {
  case QUERN_LEVEL_SCALAR: return &quern_scalar_kernels;
#if defined(__x86_64__)
  case QUERN_LEVEL_V3: return __builtin_cpu_supports("x86-64-v3") ? &quern_v3_kernels : NULL;
  case QUERN_LEVEL_V4: return __builtin_cpu_supports("x86-64-v4") ? &quern_v4_kernels : NULL;
#elif defined(__aarch64__)
  case QUERN_LEVEL_NEON: return &quern_neon_kernels;
#endif
  default: return NULL;
  }
}

const quern_kernels *quern_kernels_best(void) {
  // Threads that come here at once store the same pointer.
  static _Atomic(const quern_kernels *) chosen;
  const quern_kernels *best = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (best) return best;
  static const quern_level fastest_first[] = {
    QUERN_LEVEL_V4, QUERN_LEVEL_V3, QUERN_LEVEL_NEON, QUERN_LEVEL_SCALAR,
  };
  for (int i = 0; !best; i++) best = quern_kernels_at(fastest_first[i]);
  atomic_store_explicit(&chosen, best, memory_order_relaxed);
  return best;
}
