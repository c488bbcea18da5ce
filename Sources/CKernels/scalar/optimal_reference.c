#pragma STDC FP_CONTRACT OFF

#include "optimal_reference.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "../numbers.h"

static bool has_weight(const float *weights, size_t count) {
  for (size_t i = 0; weights && i < count; i++)
    if (weights[i] > 0) return true;
  return false;
}

static double decoded_error(const block_coder *coder, const float *values,
                            const float *weights, const uint8_t *block) {
  float decoded[SUPER_ELEMENTS];
  coder->decode(block, decoded, coder->elements);
  double sum = 0;
  for (size_t i = 0; i < coder->elements; i++) {
    double error = (double)values[i] - (double)decoded[i];
    sum += (weights ? (double)weights[i] : 1.0) * error * error;
  }
  return sum;
}

void quern_keep_better_reference(const block_coder *coder, const float *values,
                                 const float *weights, uint8_t *block) {
  uint8_t rival[SUPER_ELEMENTS];
  coder->encode(values, rival, coder->elements);
  const float *effective = has_weight(weights, coder->elements) ? weights : NULL;
  double error = decoded_error(coder, values, effective, block);
  double other = decoded_error(coder, values, effective, rival);
  if (isfinite(error) && other < error) memcpy(block, rival, coder->bytes);
}
