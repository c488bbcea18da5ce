/// Errors under sixteen scales of formats whose values are a table.
#ifndef QUERN_VECTOR_OPTIMAL_TABLES_H
#define QUERN_VECTOR_OPTIMAL_TABLES_H

#include "optimal_lanes.h"

/// A side of a table in each lane, the thresholds times the lane's scale.
typedef struct lane_side {
  floats16 first, thresholds[TABLE_STEPS], steps[TABLE_STEPS];
} lane_side;

static inline lane_side side_under_scales(const table_side *yes, const table_side *no, ints16 mask,
                                          floats16 scales) {
  lane_side side;
  side.first = chosen(mask, yes->first, no->first);
  for (int k = 0; k < TABLE_STEPS; k++) {
    side.thresholds[k] = chosen(mask, yes->thresholds[k], no->thresholds[k]) * scales;
    side.steps[k] = chosen(mask, yes->steps[k], no->steps[k]);
  }
  return side;
}

/// The values of a table are integers: sums of steps are exact, and the error is rounded once.
static INLINE floats16 add_looked_up(floats16 sum, float magnitude, float weight, floats16 scales,
                                     const lane_side *side) {
  floats16 value = side->first;
  for (int k = 0; k < TABLE_STEPS; k++) {
    ints16 above = (floats16){0} + magnitude > side->thresholds[k];
    value = either(above, value + side->steps[k], value);
  }
  floats16 error = __builtin_elementwise_fma(-scales, value, (floats16){0} + magnitude);
  return __builtin_elementwise_fma(weight * error, error, sum);
}

#if LANES == 16
/// A side of a table in buckets of four: thresholds are farther apart than that.
typedef struct bucket_side {
  floats16 thresholds[2], values[2], steps[2];
} bucket_side;

static INLINE bucket_side side_in_buckets(const table_side *side) {
  float thresholds[32], values[32], steps[32], value = side->first;
  int k = 0;
#pragma clang loop unroll(full)
  for (int b = 0; b < 32; b++) {
    bool holds = k < TABLE_STEPS && side->thresholds[k] < (float)(4 * b + 4);
    thresholds[b] = holds ? side->thresholds[k] : INFINITY;
    values[b] = value;
    steps[b] = holds ? side->steps[k] : 0;
    if (holds) value += side->steps[k++];
  }
  bucket_side buckets;
  memcpy(&buckets.thresholds, thresholds, sizeof thresholds);
  memcpy(&buckets.values, values, sizeof values);
  memcpy(&buckets.steps, steps, sizeof steps);
  return buckets;
}

static inline floats16 in_buckets(const floats16 table[2], ints16 buckets) {
  return (floats16)_mm512_permutex2var_ps((__m512)table[0], (__m512i)buckets, (__m512)table[1]);
}

static INLINE floats16 add_bucketed(floats16 sum, float magnitude, float weight, floats16 scales,
                                    floats16 inverse, const bucket_side *side) {
  floats16 scaled = magnitude * inverse;
  floats16 last = (floats16){0} + 31;
  ints16 bucket = __builtin_convertvector(smaller_of(scaled * 0.25f, last), ints16);
  floats16 value = in_buckets(side->values, bucket);
  value = either(scaled > in_buckets(side->thresholds, bucket),
                 value + in_buckets(side->steps, bucket), value);
  floats16 error = __builtin_elementwise_fma(-scales, value, (floats16){0} + magnitude);
  return __builtin_elementwise_fma(weight * error, error, sum);
}

/// Sums for all scales positive and all negative.
static INLINE void wide_errors(const optimal_format *format, const search_block *block, int count,
                               floats16 scales, floats16 *positive, floats16 *negative) {
  const bucket_side sides[2] = {side_in_buckets(&format->same), side_in_buckets(&format->other)};
  floats16 inverse = 1.0f / scales, sums[2] = {{0}, {0}};
  for (int i = 0; i < count; i++) {
    int sign = (int)(block->is_negative[i / 32] >> (i % 32) & 1);
    float magnitude = block->magnitudes[i], weight = block->weights[i];
    sums[0] = add_bucketed(sums[0], magnitude, weight, scales, inverse, sides + sign);
    sums[1] = add_bucketed(sums[1], magnitude, weight, scales, inverse, sides + !sign);
  }
  *positive = sums[0];
  *negative = sums[1];
}
#endif

static INLINE floats16 errors_of_table(const optimal_format *format, const search_block *block,
                                       int count, floats16 scales, ints16 is_negative) {
  lane_side sides[2] = {
    side_under_scales(&format->other, &format->same, is_negative, scales),
    side_under_scales(&format->same, &format->other, is_negative, scales),
  };
  floats16 sum = {0};
  for (int i = 0; i < count; i++) {
    uint32_t sign = block->is_negative[i / 32] >> (i % 32) & 1;
    sum = add_looked_up(sum, block->magnitudes[i], block->weights[i], scales, sides + sign);
  }
  return sum;
}

#if LANES != 16
/// Sums for all scales positive and all negative.
static INLINE void wide_errors(const optimal_format *format, const search_block *block, int count,
                               floats16 scales, floats16 *positive, floats16 *negative) {
  *positive = errors_of_table(format, block, count, scales, (ints16){0});
  *negative = errors_of_table(format, block, count, scales, ~(ints16){0});
}
#endif

/// What each element can be under scales so close together that no element meets more than one
/// threshold: the value above and the one below it. Index 0 is for scales of the element's sign.
typedef struct narrow_values {
  float above[2][LARGEST_GROUP], below[2][LARGEST_GROUP], middle[2][LARGEST_GROUP];
} narrow_values;

static INLINE floats16 value_under(const table_side *side, floats16 magnitudes, float scale,
                                   ints16 *passed) {
  floats16 value = (floats16){0} + side->first;
  *passed = (ints16){0};
  for (int k = 0; k < TABLE_STEPS; k++) {
    ints16 above = magnitudes > side->thresholds[k] * scale;
    *passed -= above;
    value = either(above, value + side->steps[k], value);
  }
  return value;
}

/// False where the scales, from `least` to `most`, are too far apart.
static INLINE bool narrow_down(const optimal_format *format, const search_block *block, int count,
                               float least, float most, narrow_values *narrow) {
  ints16 steps = {0};
  for (int other = 0; other < 2; other++)
    for (int i = 0; i < count; i += 16) {
      const table_side *side = other ? &format->other : &format->same;
      floats16 magnitudes = load_floats(block->magnitudes + i);
      ints16 passed_above, passed_below;
      floats16 above = value_under(side, magnitudes, least, &passed_above);
      floats16 below = value_under(side, magnitudes, most, &passed_below);
      steps = __builtin_elementwise_max(steps, passed_above - passed_below);
      store_floats(narrow->above[other] + i, above);
      store_floats(narrow->below[other] + i, below);
      store_floats(narrow->middle[other] + i, (above + below) * 0.5f);
    }
  return mask_of(steps > 1) == 0;
}

static INLINE floats16 add_narrow(floats16 sum, const narrow_values *narrow, int other, int i,
                                  float magnitude, float weight, floats16 scales) {
  ints16 is_above = (floats16){0} + magnitude > narrow->middle[other][i] * scales;
  floats16 value = chosen(is_above, narrow->above[other][i], narrow->below[other][i]);
  floats16 error = __builtin_elementwise_fma(-scales, value, (floats16){0} + magnitude);
  return __builtin_elementwise_fma(weight * error, error, sum);
}

/// Sums for all scales positive and all negative.
static INLINE void narrow_errors(const narrow_values *narrow, const search_block *block, int count,
                                 floats16 scales, floats16 *positive, floats16 *negative) {
  floats16 sums[2] = {{0}, {0}};
  for (int i = 0; i < count; i++) {
    int sign = (int)(block->is_negative[i / 32] >> (i % 32) & 1);
    float magnitude = block->magnitudes[i], weight = block->weights[i];
    sums[0] = add_narrow(sums[0], narrow, sign, i, magnitude, weight, scales);
    sums[1] = add_narrow(sums[1], narrow, !sign, i, magnitude, weight, scales);
  }
  *positive = sums[0];
  *negative = sums[1];
}

static INLINE floats16 errors_of_scales(const optimal_format *format, const search_block *block,
                                        int count, floats16 scales, ints16 is_negative) {
  if (!format->is_table) return errors_of_rounding(format, block, count, scales, is_negative);
  narrow_values narrow;
  float least = smallest_of(scales), most = float_of(largest_of((uints16)scales));
  if (!format->either_sign || !narrow_down(format, block, count, least, most, &narrow))
    return errors_of_table(format, block, count, scales, is_negative);
  floats16 positive, negative;
  narrow_errors(&narrow, block, count, scales, &positive, &negative);
  return either(is_negative, negative, positive);
}

#endif
