/// Groups of integers. The loops of `scalar/integer_groups.h` are compiled for the level; the exact
/// search of four bits is the one of blocks.
#ifndef QUERN_VECTOR_INTEGER_GROUPS_H
#define QUERN_VECTOR_INTEGER_GROUPS_H

#include "../scalar/row_scales.h"
#include "optimal.h"

static void integers_by_absmax(const quern_integer_layout *layout, const float *source,
                               quern_integer_planes planes, size_t count) {
  for (size_t g = 0; g < count / layout->group; g++) {
    const float *values = source + g * layout->group;
    group_extremes extremes = extremes_of_group(layout, values);
    store_group(layout, values, absmax_choice(layout, extremes), planes, g);
  }
}

static const first_scales int4_scales = {3, {
  1 / 16.0f, 1 / 15.4f, 1 / 14.8f, 1 / 14.3f, 1 / 13.8f, 1 / 13.4f, 1 / 13.0f, 1 / 12.6f,
  1 / 12.2f, 1 / 11.9f, 1 / 11.6f, 1 / 11.3f, 1 / 11.0f, 1 / 10.7f, 1 / 10.4f, 1 / 10.2f,
  1 / 10.0f, 1 / 9.8f,  1 / 9.6f,  1 / 9.4f,  1 / 9.2f,  1 / 9.0f,  1 / 8.8f,  1 / 8.65f,
  1 / 8.5f,  1 / 8.35f, 1 / 8.2f,  1 / 8.05f, 1 / 7.9f,  1 / 7.75f, 1 / 7.6f,  1 / 7.45f,
  1 / 7.3f,  1 / 7.15f, 1 / 7.0f,  1 / 6.85f, 1 / 6.7f,  1 / 6.55f, 1 / 6.4f,  1 / 6.2f,
  1 / 5.9f,  1 / 5.5f,  1 / 5.0f,  1 / 4.3f,  1 / 3.5f,  1 / 2.6f,  1 / 1.5f,  2.0f,
}};

/// One copy for each type of scale: the search is long.
static __attribute__((noinline)) group_choice best_with_f16(bool either_sign, const float *values,
                                                            const float *weights, int count) {
  optimal_format format = optimal_int4_f16;
  format.either_sign = either_sign;
  return choice_of(&format, best_scale(&format, &int4_scales, values, weights, count));
}

static __attribute__((noinline)) group_choice best_with_bf16(bool either_sign, const float *values,
                                                             const float *weights, int count) {
  optimal_format format = optimal_int4_bf16;
  format.either_sign = either_sign;
  return choice_of(&format, best_scale(&format, &int4_scales, values, weights, count));
}

static void integers_optimally(const quern_integer_layout *layout, const float *source,
                               const float *weights, quern_integer_planes planes, size_t count) {
  for (size_t g = 0; g < count / layout->group; g++) {
    const float *values = source + g * layout->group;
    const float *own =
      weights_of_group(weights ? weights + g * layout->group : NULL, layout->group);
    group_extremes extremes = extremes_of_group(layout, values);
    group_choice choice = absmax_choice(layout, extremes);
    const float *all = own ? own : quern_equal_weights;
    int group = (int)layout->group;
    if (!(choice.scale <= 0x1.fffffep127f)) {
      // Infinite: for the caller to refuse.
    } else if (!is_searched_exactly(layout)) {
      choice = searched_choice(layout, values, own, extremes);
    } else if (layout->scale == QUERN_SCALE_F16) {
      choice = best_with_f16(layout->negative_scales, values, all, group);
    } else {
      choice = best_with_bf16(layout->negative_scales, values, all, group);
    }
    store_group(layout, values, choice, planes, g);
  }
}

#endif
