/// The different magnitudes of rows of floats that are numbers of BF16, as weights in FP8, BF16 and
/// products of them with powers of two are.
#ifndef QUERN_ROW_SIZES_H
#define QUERN_ROW_SIZES_H

#include "../grid/histogram.h"
#include "scale_search.h"

typedef struct row_extremes {
  float largest;  ///< magnitude of an element that weighs something
  bool is_bf16;   ///< whether all are numbers of BF16
} row_extremes;

static inline row_extremes extremes_of_row(const float *values, const float *weights,
                                           size_t count) {
  uint32_t largest = 0, low = 0;
  for (size_t i = 0; !weights && i < count; i++) {
    uint32_t bits = bits_of(values[i]), size = bits & magnitude_mask;
    largest = size > largest ? size : largest;
    low |= bits;
  }
  for (size_t i = 0; weights && i < count; i++) {
    uint32_t bits = bits_of(values[i]), size = weights[i] > 0 ? bits & magnitude_mask : 0;
    largest = size > largest ? size : largest;
    low |= bits;
  }
  return (row_extremes){float_of(largest), (low & 0xffff) == 0};
}

/// Weight by magnitude: one array for each sign, or two that only their sum matters of.
typedef struct size_histogram {
  uint32_t first;  ///< the ordinal of entry 0; smaller ones are not counted
  float signs[2][MOST_SIZES];
} size_histogram;

/// The entry of a magnitude, to the nearest of BF16. The last one is for those too small to count, and
/// for those that weigh nothing and are larger than all that do.
static inline uint32_t entry_of(uint32_t bits, uint32_t first) {
  uint32_t entry = (((bits & magnitude_mask) + 0x8000) >> 16) - first;
  return entry < MOST_SIZES - 1 ? entry : MOST_SIZES - 1;
}

/// Without signs every other element goes to the second array: equal ones in a row do not wait for each
/// other.
static inline void count_sizes(const float *values, size_t count, bool signs,
                               size_histogram *histogram) {
  uint32_t counts[2][MOST_SIZES] = {0}, first = histogram->first;
  size_t pairs = signs ? 0 : count / 2;
  for (size_t i = 0; i < pairs; i++) {
    counts[0][entry_of(bits_of(values[2 * i]), first)]++;
    counts[1][entry_of(bits_of(values[2 * i + 1]), first)]++;
  }
  for (size_t i = 2 * pairs; i < count; i++) {
    uint32_t bits = bits_of(values[i]);
    counts[bits >> 31][entry_of(bits, first)]++;
  }
  for (int sign = 0; sign < 2; sign++)
    for (int i = 0; i < MOST_SIZES; i++)
      histogram->signs[sign][i] = (float)counts[sign][i];
}

static inline void weigh_sizes(const float *values, const float *weights, size_t count,
                               size_histogram *histogram) {
  memset(histogram->signs, 0, sizeof histogram->signs);
  float normaliser = weight_normaliser(weights, (int)count);
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = bits_of(values[i]);
    histogram->signs[bits >> 31][entry_of(bits, histogram->first)] += weights[i] * normaliser;
  }
}

/// Collects magnitudes from that of the ordinal `first` on.
static inline void sizes_of_row(const float *values, const float *weights, size_t count,
                                bool signs, uint32_t first, group_sizes *group) {
  size_histogram histogram;
  histogram.first = first;
  if (weights) weigh_sizes(values, weights, count, &histogram);
  else count_sizes(values, count, signs, &histogram);
  group->count = 0;
  for (int i = 0; i < MOST_SIZES - 1; i++) {
    float weight = histogram.signs[0][i] + histogram.signs[1][i];
    group->sizes[group->count] = bf16_number(first + (uint32_t)i);
    group->weights[group->count] = weight;
    group->negative[group->count] = histogram.signs[1][i];
    group->count += weight > 0;
  }
  sum_sizes(group);
}

#endif
