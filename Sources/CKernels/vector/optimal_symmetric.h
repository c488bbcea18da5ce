/// The search for a scale of either sign, in sixteen runs at once: what Q6_K and IQ4_XS share. A run
/// decodes to scale·v with values v of its format.
#ifndef QUERN_VECTOR_OPTIMAL_SYMMETRIC_H
#define QUERN_VECTOR_OPTIMAL_SYMMETRIC_H

#include "optimal_starts.h"
#include "runs_load.h"

/// Elements and weights. Q6_K uses the first sixteen of a run.
typedef struct symmetric_runs {
  floats16 x[32], w[32];
  floats16 sum_wxx;
  floats16 inverse_largest;  ///< of the element of largest magnitude, with its sign
} symmetric_runs;

/// Sums over the values of the codes: Σwxv and Σwv².
typedef struct symmetric_sums {
  floats16 wxv, wvv;
} symmetric_sums;

RUNS_INLINE void prepare_symmetric(symmetric_runs *runs, int length) {
  floats16 largest = runs->x[0], wxx = all16(0);
  for (int i = 0; i < length; i++) {
    floats16 x = runs->x[i];
    largest = pick16(magnitude16(x) > magnitude16(largest), x, largest);
    wxx = fused16(runs->w[i] * x, x, wxx);
  }
  runs->sum_wxx = wxx;
  runs->inverse_largest = inverse16(largest);
}

/// Keeps the sums whose best scale, Σwxv/Σwv², leaves the smaller error, Σwx² − (Σwxv)²/Σwv².
RUNS_INLINE void keep_better_sums(symmetric_sums *best, const symmetric_sums *other) {
  ints16 better = (other->wxv * other->wxv) * best->wvv > (best->wxv * best->wxv) * other->wvv;
  best->wxv = pick16(better, other->wxv, best->wxv);
  best->wvv = pick16(better, other->wvv, best->wvv);
}

#endif
