#pragma STDC FP_CONTRACT OFF

// Functions that take vectors are inlined or called from here alone: no interface depends on them.
#pragma clang diagnostic ignored "-Wpsabi"

#include "row_scales.h"

void quern_scalar_integers_by_absmax(const quern_integer_layout *layout, const float *source,
                                     quern_integer_planes planes, size_t count) {
  for (size_t g = 0; g < count / layout->group; g++) {
    const float *values = source + g * layout->group;
    group_extremes extremes = extremes_of_group(layout, values);
    store_group(layout, values, absmax_choice(layout, extremes), planes, g);
  }
}

static group_choice best_of_all(const quern_integer_layout *layout, const float *values,
                                const float *weights) {
  optimal_format format =
    layout->scale == QUERN_SCALE_F16 ? optimal_int4_f16 : optimal_int4_bf16;
  format.either_sign = layout->negative_scales;
  if (!weights) weights = quern_equal_weights;
  return choice_of(&format, quern_optimal_scale(&format, values, weights, (int)layout->group));
}

void quern_scalar_integers_optimally(const quern_integer_layout *layout, const float *source,
                                     const float *weights, quern_integer_planes planes,
                                     size_t count) {
  for (size_t g = 0; g < count / layout->group; g++) {
    const float *values = source + g * layout->group;
    const float *own =
      weights_of_group(weights ? weights + g * layout->group : NULL, layout->group);
    group_extremes extremes = extremes_of_group(layout, values);
    group_choice absmax = absmax_choice(layout, extremes), choice = absmax;
    if (absmax.scale <= 0x1.fffffep127f)
      choice = is_searched_exactly(layout) ? best_of_all(layout, values, own)
                                           : searched_choice(layout, values, own, extremes);
    store_group(layout, values, choice, planes, g);
  }
}
