#pragma STDC FP_CONTRACT OFF

#include "../scalar/scalar.h"
#include "rows.h"

void quern_scalar_gptq(const quern_gptq_factor *factor, const quern_gptq_rows *rows,
                       quern_gptq_workspace *workspace) {
  gptq_rows(factor, rows, workspace);
}
