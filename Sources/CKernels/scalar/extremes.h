/// What the reference rules of several formats start from.
#ifndef QUERN_EXTREMES_H
#define QUERN_EXTREMES_H

#include <math.h>

#include "../numbers.h"

/// The first element of largest magnitude, with its sign; 0 when all are ±0.
static inline float signed_maximum(const float *values, int count) {
  float largest = 0;
  for (int i = 0; i < count; i++)
    if (fabsf(values[i]) > fabsf(largest)) largest = values[i];
  return largest;
}

/// The smallest and the largest of 32 elements; of zeros of both signs, the first.
typedef struct extremes {
  float lowest, highest;
} extremes;

static inline extremes extremes_of(const float *values) {
  extremes found = {values[0], values[0]};
  for (int i = 1; i < BLOCK_ELEMENTS; i++) {
    if (values[i] < found.lowest) found.lowest = values[i];
    if (values[i] > found.highest) found.highest = values[i];
  }
  return found;
}

/// The code of the nearest grid value, the smaller one on ties; −0 is never written.
static inline uint8_t nearest_e2m1(float value, float unit) {
  float magnitude = fabsf(value), smallest = INFINITY;
  uint8_t code = 0;
  for (uint8_t candidate = 0; candidate < 8; candidate++) {
    float error = fabsf((float)e2m1_doubled[candidate] * unit - magnitude);
    if (error < smallest) smallest = error, code = candidate;
  }
  return value < 0 && code != 0 ? code | 8 : code;
}

#endif
