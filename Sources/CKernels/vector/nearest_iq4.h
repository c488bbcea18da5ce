/// The nearest of the sixteen values of the IQ4 formats, in sixteen lanes. At every level it is decided
/// by the midpoints that a number lies above; how these are counted depends on the instructions.
#ifndef QUERN_VECTOR_NEAREST_IQ4_H
#define QUERN_VECTOR_NEAREST_IQ4_H

#include "runs16.h"

#if defined(__x86_64__) && defined(LANES)
#include <immintrin.h>
#endif

static const float iq4_steps[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                    1,    13,   25,  38,  53,  69,  89,  113};
static const float iq4_midpoints[15] = {-115.5f, -93.5f, -74, -57, -42,   -28.5f, -16, -4.5f,
                                        7,       19,     31.5f, 45.5f, 61, 79,     101};

#if defined(__x86_64__) && defined(LANES) && LANES == 16

/// Bins of width 8 about the multiples of 8 from −128 to 120: the value below and above the bin's
/// midpoint. No bin has two midpoints, and none lies on an edge.
static const float iq4_bin_low[32] = {-127, -127, -127, -104, -104, -83, -83, -83, -65, -65, -49,
                                      -49,  -35,  -22,  -22,  -10,  1,   1,   13,  25,  25,  38,
                                      38,   53,   53,   69,   69,   89,  89,  89,  113, 113};
static const float iq4_bin_high[32] = {-127, -127, -104, -104, -83, -83, -83, -65, -65, -49, -49,
                                       -35,  -22,  -22,  -10,  1,   1,   13,  25,  25,  38,  38,
                                       53,   53,   69,   69,   89,  89,  89,  113, 113, 113};
/// Where a bin has no midpoint, any number will do.
static const float iq4_bin_midpoint[32] = {
  0, 0, -115.5f, 0, -93.5f, 0,  0, -74,   0, -57,   0, -42, -28.5f, 0,  -16, -4.5f,
  0, 7, 19,      0, 31.5f,  0, 45.5f, 0, 61, 0,     79, 0,  0,      101, 0,  0};

RUNS_INLINE floats16 iq4_looked_up(const float table[32], ints16 bins) {
  __m512 halves[2];
  memcpy(halves, table, 128);
  return (floats16)_mm512_permutex2var_ps(halves[0], (__m512i)bins, halves[1]);
}

RUNS_INLINE floats16 nearest_iq4(floats16 a) {
  // The look-up takes the low five bits, which are the bin's number.
  ints16 bits = (ints16)fused16(a, all16(0.125f), all16(0x1.8p23f + 16));
  bits = __builtin_elementwise_max(bits, (ints16){0} + 0x4b400000);
  bits = __builtin_elementwise_min(bits, (ints16){0} + 0x4b40001f);
  ints16 above = a > iq4_looked_up(iq4_bin_midpoint, bits);
  return pick16(above, iq4_looked_up(iq4_bin_high, bits), iq4_looked_up(iq4_bin_low, bits));
}

#elif defined(__x86_64__) && defined(LANES) && LANES == 8

/// Four comparisons, each with the midpoint that the ones before it leave.
RUNS_INLINE __m256 nearest_iq4_of_eight(__m256 a) {
  const __m256 second = _mm256_setr_ps(-57, 45.5f, 0, 0, 0, 0, 0, 0);
  const __m256 third = _mm256_setr_ps(-93.5f, -28.5f, 19, 79, 0, 0, 0, 0);
  const __m256 fourth = _mm256_setr_ps(-115.5f, -74, -42, -16, 7, 31.5f, 61, 101);
  __m256 above = _mm256_cmp_ps(a, _mm256_set1_ps(-4.5f), _CMP_GT_OQ), upper = above;
  __m256i index = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_castps_si256(above));
  above = _mm256_cmp_ps(a, _mm256_permutevar8x32_ps(second, index), _CMP_GT_OQ);
  index = _mm256_sub_epi32(_mm256_add_epi32(index, index), _mm256_castps_si256(above));
  above = _mm256_cmp_ps(a, _mm256_permutevar8x32_ps(third, index), _CMP_GT_OQ);
  index = _mm256_sub_epi32(_mm256_add_epi32(index, index), _mm256_castps_si256(above));
  above = _mm256_cmp_ps(a, _mm256_permutevar8x32_ps(fourth, index), _CMP_GT_OQ);
  index = _mm256_sub_epi32(_mm256_add_epi32(index, index), _mm256_castps_si256(above));
  return _mm256_blendv_ps(_mm256_permutevar8x32_ps(_mm256_loadu_ps(iq4_steps), index),
                          _mm256_permutevar8x32_ps(_mm256_loadu_ps(iq4_steps + 8), index), upper);
}

RUNS_INLINE floats16 nearest_iq4(floats16 a) {
  __m256 halves[2];
  memcpy(halves, &a, 64);
  for (int k = 0; k < 2; k++) halves[k] = nearest_iq4_of_eight(halves[k]);
  memcpy(&a, halves, 64);
  return a;
}

#else

RUNS_INLINE floats16 nearest_iq4(floats16 a) {
  floats16 value = all16(iq4_steps[0]);
  for (int k = 0; k < 15; k++)
    value += pick16(a > iq4_midpoints[k], all16(iq4_steps[k + 1] - iq4_steps[k]), all16(0));
  return value;
}

#endif

/// The code of each value of the format.
RUNS_INLINE bytes16 codes_of_iq4(floats16 values) {
  floats16 code = all16(0);
  for (int k = 0; k < 15; k++) code += pick16(values > iq4_steps[k], all16(1), all16(0));
  return bytes_of16(code, 0);
}

#endif
