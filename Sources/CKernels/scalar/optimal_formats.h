/// What the formats of one scale can hold. Visible to every level, so that the compiler sees
/// constants.
#ifndef QUERN_OPTIMAL_FORMATS_H
#define QUERN_OPTIMAL_FORMATS_H

#include "optimal.h"

#define ROUNDED_BLOCKS(most, equal)                                                                \
  {                                                                                                \
    .scale = SCALE_F16, .last_ordinal = 0x7bff, .either_sign = true, .equal_weights = equal,       \
    .highest = most, .lowest = most + 1,                                                           \
  }

static const optimal_format optimal_q4_0 = ROUNDED_BLOCKS(7, false);
static const optimal_format optimal_q5_0 = ROUNDED_BLOCKS(15, false);

/// Of rows without weights, for which the sums of rounding formats have a product less.
static const optimal_format optimal_q4_0_equal = ROUNDED_BLOCKS(7, true);
static const optimal_format optimal_q5_0_equal = ROUNDED_BLOCKS(15, true);

static const optimal_format optimal_iq4_nl = {
  .scale = SCALE_F16,
  .last_ordinal = 0x7bff,
  .either_sign = true,
  .is_table = true,
  .same = {1, {7, 19, 31.5f, 45.5f, 61, 79, 101, INFINITY}, {12, 12, 13, 15, 16, 20, 24, 0}},
  .other = {-1, {4.5f, 16, 28.5f, 42, 57, 74, 93.5f, 115.5f}, {11, 12, 13, 14, 16, 18, 21, 23}},
};

/// Integer groups of four bits, by the type of their scales. A BF16 scale above the last would take
/// −8 beyond float32.
static const optimal_format optimal_int4_f16 = {
  .scale = SCALE_F16, .last_ordinal = 0x7bff, .highest = 7, .lowest = 8,
};
static const optimal_format optimal_int4_bf16 = {
  .scale = SCALE_BF16, .last_ordinal = 0x7dff, .highest = 7, .lowest = 8,
};

/// The doubled values of FP4: 0 1 2 3 4 6 8 12.
#define FP4_SIDE {0, {0.5f, 1.5f, 2.5f, 3.5f, 5, 7, 10, INFINITY}, {1, 1, 1, 1, 2, 2, 4, 0}}

/// Scales above would take the larger values beyond float32, and reach no others.
static const optimal_format optimal_mxfp4 = {
  .scale = SCALE_E8M0, .last_ordinal = 252, .is_table = true, .same = FP4_SIDE, .other = FP4_SIDE,
};

/// Byte 0x7F is a scale of 0.
static const optimal_format optimal_nvfp4 = {
  .scale = SCALE_UE4M3, .last_ordinal = 0x7e, .is_table = true, .same = FP4_SIDE, .other = FP4_SIDE,
};

#endif
