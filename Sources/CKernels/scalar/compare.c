#pragma STDC FP_CONTRACT OFF

#include <math.h>

#include "../numbers.h"
#include "scalar.h"

size_t quern_scalar_first_non_finite(const float *values, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!isfinite(values[i])) return i;
  return count;
}

/// Adds one element to one lane.
static void add_element(float source, float output, size_t lane, quern_comparison *sums) {
  double s = (double)source, o = (double)output, error = s - o;
  sums->signal[lane] += s * s;
  sums->output[lane] += o * o;
  sums->noise[lane] += error * error;
  if (fabs(error) > sums->max_abs_error) sums->max_abs_error = fabs(error);
  sums->unequal += source != output;
  sums->lost_signs += bits_of(source) == 0x80000000 && bits_of(output) == 0;
}

void quern_scalar_compare(const float *source, const float *output, size_t position, size_t count,
                          quern_comparison *sums) {
  for (size_t i = 0; i < count; i++) add_element(source[i], output[i], (position + i) % 16, sums);
}

// The functions below read the output's bytes by themselves: a mistake in a decoder or an
// encoder of this library must not cancel out here.

/// The value of a doubled FP4 magnitude code: 0 ½ 1 1½ 2 3 4 6, doubled, times the unit.
static float grid_value(uint8_t nibble, float unit, bool keep_zero_sign) {
  int exponent = nibble >> 1 & 3, mantissa = nibble & 1;
  int doubled = exponent == 0 ? mantissa : (2 + mantissa) << (exponent - 1);
  if (!(nibble & 8) || (doubled == 0 && !keep_zero_sign)) return (float)doubled * unit;
  return (float)doubled * -unit;
}

/// Element k of a released block, where −0 exists.
static float source_value(const uint8_t *packed, float unit, int k) {
  return grid_value(packed[k / 2] >> 4 * (k & 1) & 15, unit, true);
}

bool quern_scalar_compare_e2m1_mxfp4(const uint8_t *packed, const uint8_t *e8m0,
                                     const uint8_t *blocks, size_t position, size_t count,
                                     quern_comparison *sums) {
  quern_comparison local = *sums;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *block = blocks + i / 32 * MXFP4_BYTES;
    int k = (int)(i % 32);
    float source = source_value(packed + i / 32 * PACKED_BYTES, e2m1_unit(e8m0[i / 32]), k);
    float output = grid_value(block[1 + k % 16] >> k / 16 * 4 & 15, e2m1_unit(block[0]), false);
    if (source != output) return false;
    add_element(source, output, (position + i) % 16, &local);
  }
  *sums = local;
  return true;
}

bool quern_scalar_compare_e2m1_q8_0(const uint8_t *packed, const uint8_t *e8m0,
                                    const uint8_t *blocks, size_t position, size_t count,
                                    quern_comparison *sums) {
  quern_comparison local = *sums;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *block = blocks + i / 32 * Q8_0_BYTES;
    int k = (int)(i % 32);
    float source = source_value(packed + i / 32 * PACKED_BYTES, e2m1_unit(e8m0[i / 32]), k);
    float output = f32_of_f16(load_u16(block)) * (float)(int8_t)block[2 + k];
    if (source != output) return false;
    add_element(source, output, (position + i) % 16, &local);
  }
  *sums = local;
  return true;
}

bool quern_scalar_compare_e2m1_integers(const uint8_t *packed, const uint8_t *e8m0,
                                        const int8_t *codes, float scale, size_t position,
                                        size_t count, quern_comparison *sums) {
  quern_comparison local = *sums;
  for (size_t i = 0; i < count; i++) {
    float source =
      source_value(packed + i / 32 * PACKED_BYTES, e2m1_unit(e8m0[i / 32]), (int)(i % 32));
    float output = (float)codes[i] * scale;
    if (source != output) return false;
    add_element(source, output, (position + i) % 16, &local);
  }
  *sums = local;
  return true;
}
