/// What the searches for K and IQ scales share. They are those of ggml without an importance
/// matrix: the same float32 operations in the same order, hence the same bytes.
#ifndef QUERN_SEARCH_H
#define QUERN_SEARCH_H

#include <math.h>
#include <stdbool.h>

#include "../numbers.h"

/// To the nearest integer, half to even, for magnitudes below 2^22: adding 1.5 · 2^23 leaves no
/// bits for a fraction. NaN becomes 0.
static inline int nearest_by_addition(float value) {
  return (int)(bits_of(value + 0x1.8p23f) & 0x7fffff) - 0x400000;
}

static inline int clamped(int value, int least, int most) {
  return value < least ? least : value > most ? most : value;
}

/// Groups whose magnitudes all are below this are taken for zeros.
static const float negligible = 1e-15f;

static inline bool all_finite(const float *values, int count) {
  for (int i = 0; i < count; i++)
    if (!isfinite(values[i])) return false;
  return true;
}

/// The F16 that stands for a scale that could not be found: values beyond the format's range made
/// the search overflow.
static const uint16_t infinite_scale = 0x7c00;

#endif
