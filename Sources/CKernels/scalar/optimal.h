/// The scale of least weighted squared error, over all scales that a block can store.
///
/// A block decodes to scale × value, the values being a grid: integers from −8 to 7, or a table.
/// The scales are given by ordinals: 0, 1, 2 … are the storable magnitudes in ascending order.
#ifndef QUERN_OPTIMAL_H
#define QUERN_OPTIMAL_H

#include <math.h>
#include <stdbool.h>

#include "../numbers.h"

/// How the magnitudes of scales are stored.
typedef enum scale_kind {
  SCALE_F16,    ///< ordinals are F16 bit patterns
  SCALE_BF16,   ///< ordinals are BF16 bit patterns
  SCALE_UE4M3,  ///< ordinals are bytes of NVFP4, the scale half of E4M3
  SCALE_E8M0,   ///< ordinals are bytes of MXFP4, the scale half of E8M0
} scale_kind;

enum { TABLE_STEPS = 8, LARGEST_GROUP = 128 };

/// One side of a table of values, by magnitude: `first`, then one more `step` above each
/// threshold. Thresholds lie halfway between neighbours; unused ones are infinite.
typedef struct table_side {
  float first, thresholds[TABLE_STEPS], steps[TABLE_STEPS];
} table_side;

/// What a block of one scale can hold.
typedef struct optimal_format {
  scale_kind scale;
  uint32_t last_ordinal;  ///< of the largest finite scale
  bool either_sign;       ///< whether a negative scale reaches other values than a positive one
  bool equal_weights;     ///< whether all weights are 1
  /// Integers −lowest … highest where `is_table` is false.
  bool is_table;
  float highest, lowest;
  /// Values of the sign of the scale, and of the other sign. The value nearest to a small number of
  /// the other sign may have the sign of the scale: its magnitude is negative here.
  table_side same, other;
} optimal_format;

/// A storable scale; `negative` is 0 or 1.
typedef struct optimal_scale {
  uint32_t ordinal, negative;
} optimal_scale;

static inline float scale_of_ordinal(scale_kind kind, uint32_t ordinal) {
  switch (kind) {
  case SCALE_F16: return f32_of_f16((uint16_t)ordinal);
  case SCALE_BF16: return float_of(ordinal << 16);
  case SCALE_UE4M3: return f32_of_f16((uint16_t)(ordinal << 7)) * 128.0f;
  default: return e2m1_unit((uint8_t)ordinal);
  }
}

/// The value's magnitude nearest to a number's, `is_other` where signs of number and scale differ.
/// 0 under a scale of 0. Rounds to even on ties between integers, towards zero in tables.
static inline double nearest_magnitude(const optimal_format *format, float magnitude, double scale,
                                       bool is_other) {
  if (!format->is_table) {
    if (scale == 0) return 0;
    double nearest = rint((double)magnitude * (1.0 / scale));
    double largest = is_other ? format->lowest : format->highest;
    return nearest < largest ? nearest : largest;
  }
  const table_side *side = is_other ? &format->other : &format->same;
  double value = side->first;
  for (int k = 0; k < TABLE_STEPS; k++)
    if ((double)magnitude > side->thresholds[k] * scale) value += side->steps[k];
  return value;
}

/// The weighted squared error under a scale: in double, in the order of the elements.
double quern_optimal_error(const optimal_format *format, const float *values, const float *weights,
                           int count, optimal_scale scale);

/// The best of all storable scales; of equals the smallest, and of ± the positive.
optimal_scale quern_optimal_scale(const optimal_format *format, const float *values,
                                  const float *weights, int count);

/// Whether `a` comes before `b` among scales of equal error.
static inline bool precedes(optimal_scale a, optimal_scale b) {
  return a.ordinal < b.ordinal || (a.ordinal == b.ordinal && a.negative < b.negative);
}

#endif
