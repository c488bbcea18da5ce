/// Checks and comparisons. See `scalar/compare.c` for what they compute.
#ifndef QUERN_VECTOR_COMPARE_H
#define QUERN_VECTOR_COMPARE_H

#include "../numbers.h"
#include "../scalar/scalar.h"
#include "lanes16.h"

static size_t first_non_finite(const float *values, size_t count) {
  size_t i = 0;
  for (; i + 64 <= count; i += 64) {
    uint32_t largest = 0;
    for (int k = 0; k < 64; k++) {
      uint32_t magnitude = bits_of(values[i + k]) & magnitude_mask;
      largest = magnitude > largest ? magnitude : largest;
    }
    if (largest >= 0x7f800000) break;
  }
  return i + quern_scalar_first_non_finite(values + i, count - i);
}

typedef float float8 __attribute__((vector_size(32)));
typedef int32_t int8lanes __attribute__((vector_size(32)));
typedef double double8 __attribute__((vector_size(64)));
typedef int64_t long8 __attribute__((vector_size(64)));

/// The running sums of eight of the sixteen lanes.
typedef struct half_sums {
  double8 signal, output, noise, largest;
  int8lanes unequal, lost_signs;
} half_sums;

/// Squares of float32 are exact as float64, so that fusing them with the addition changes nothing.
/// Those of the errors may round.
static inline void add_eight(const float *source, const float *output, half_sums *sums) {
  float8 narrow_source, narrow_output;
  memcpy(&narrow_source, source, sizeof narrow_source);
  memcpy(&narrow_output, output, sizeof narrow_output);
  double8 s = __builtin_convertvector(narrow_source, double8);
  double8 o = __builtin_convertvector(narrow_output, double8);
  double8 error = s - o;
  sums->signal = __builtin_elementwise_fma(s, s, sums->signal);
  sums->output = __builtin_elementwise_fma(o, o, sums->output);
  sums->noise += error * error;
  double8 size = (double8)((long8)error & INT64_MAX);
  long8 larger = size > sums->largest;
  sums->largest = (double8)(((long8)size & larger) | ((long8)sums->largest & ~larger));
  sums->unequal -= narrow_source != narrow_output;
  sums->lost_signs -= ((int8lanes)narrow_source == INT32_MIN) & ((int8lanes)narrow_output == 0);
}

/// Elements 0–7 or 8–15 of each group.
static void compare_half(const float *source, const float *output, size_t groups, int half,
                         quern_comparison *sums) {
  half_sums lanes = {0};
  memcpy(&lanes.signal, sums->signal + 8 * half, sizeof lanes.signal);
  memcpy(&lanes.output, sums->output + 8 * half, sizeof lanes.output);
  memcpy(&lanes.noise, sums->noise + 8 * half, sizeof lanes.noise);
  for (size_t i = 0; i < groups; i++)
    add_eight(source + 16 * i + 8 * half, output + 16 * i + 8 * half, &lanes);
  memcpy(sums->signal + 8 * half, &lanes.signal, sizeof lanes.signal);
  memcpy(sums->output + 8 * half, &lanes.output, sizeof lanes.output);
  memcpy(sums->noise + 8 * half, &lanes.noise, sizeof lanes.noise);
  for (int k = 0; k < 8; k++) {
    if (lanes.largest[k] > sums->max_abs_error) sums->max_abs_error = lanes.largest[k];
    sums->unequal += (uint32_t)lanes.unequal[k];
    sums->lost_signs += (uint32_t)lanes.lost_signs[k];
  }
}

/// Groups of sixteen elements between two changes of halves: what both read stays in the first
/// cache. Sixteen lanes at once have more sums than v3 has registers.
enum { HALF_GROUPS = 128 };

static void compare(const float *source, const float *output, size_t position, size_t count,
                    quern_comparison *sums) {
  size_t head = (16 - position % 16) % 16;
  if (head > count) head = count;
  quern_scalar_compare(source, output, position, head, sums);
  size_t done = head;
  while (count - done >= 16) {
    size_t groups = (count - done) / 16;
    if (groups > HALF_GROUPS) groups = HALF_GROUPS;
    compare_half(source + done, output + done, groups, 0, sums);
    compare_half(source + done, output + done, groups, 1, sums);
    done += 16 * groups;
  }
  quern_scalar_compare(source + done, output + done, position + done, count - done, sums);
}

#endif
