/// The scales that searches begin with.
#ifndef QUERN_VECTOR_OPTIMAL_FIRST_H
#define QUERN_VECTOR_OPTIMAL_FIRST_H

#include "optimal_search.h"

/// The scales of the first round, as fractions of the largest magnitude: dense where the best
/// usually are, in ascending order.
typedef struct first_scales {
  int vectors;
  float fractions[16 * MOST_FIRST_VECTORS];
} first_scales;

/// Below the first round: a further 3.5 times smaller.
static const float smaller_fractions[16] = {
  0.2866f, 0.3116f, 0.3387f, 0.3682f, 0.4002f, 0.4350f, 0.4729f, 0.5140f,
  0.5587f, 0.6073f, 0.6602f, 0.7176f, 0.7800f, 0.8479f, 0.9216f, 1.0f,
};

/// For integers −8 … 7.
static const first_scales rounding_8_scales = {2, {
  1 / 10.5f, 1 / 10.0f, 1 / 9.7f, 1 / 9.4f, 1 / 9.2f, 1 / 9.0f, 1 / 8.8f, 1 / 8.64f,
  1 / 8.53f, 1 / 8.42f, 1 / 8.31f, 1 / 8.21f, 1 / 8.1f, 1 / 7.99f, 1 / 7.88f, 1 / 7.77f,
  1 / 7.66f, 1 / 7.55f, 1 / 7.44f, 1 / 7.34f, 1 / 7.23f, 1 / 7.12f, 1 / 7.01f, 1 / 6.9f,
  1 / 6.7f, 1 / 6.45f, 1 / 6.05f, 1 / 5.5f, 1 / 4.8f, 1 / 3.8f, 1 / 2.3f, 1 / 0.5f,
}};

/// For the same with weights: where the largest magnitude has little, smaller scales are good.
static const first_scales weighted_8_scales = {2, {
  1 / 13.0f, 1 / 11.8f, 1 / 10.9f, 1 / 10.2f, 1 / 9.7f, 1 / 9.3f, 1 / 9.0f, 1 / 8.75f,
  1 / 8.55f, 1 / 8.44f, 1 / 8.33f, 1 / 8.22f, 1 / 8.11f, 1 / 8.0f, 1 / 7.89f, 1 / 7.78f,
  1 / 7.67f, 1 / 7.56f, 1 / 7.45f, 1 / 7.34f, 1 / 7.23f, 1 / 7.12f, 1 / 7.01f, 1 / 6.9f,
  1 / 6.7f, 1 / 6.45f, 1 / 6.05f, 1 / 5.5f, 1 / 4.8f, 1 / 3.8f, 1 / 2.3f, 1 / 0.5f,
}};

/// For integers −16 … 15.
static const first_scales rounding_16_scales = {3, {
  1 / 19.0f, 1 / 18.82f, 1 / 18.64f, 1 / 18.46f, 1 / 18.29f, 1 / 18.11f, 1 / 17.93f, 1 / 17.75f,
  1 / 17.57f, 1 / 17.39f, 1 / 17.22f, 1 / 17.04f, 1 / 16.86f, 1 / 16.68f, 1 / 16.50f, 1 / 16.32f,
  1 / 16.15f, 1 / 15.97f, 1 / 15.79f, 1 / 15.61f, 1 / 15.43f, 1 / 15.25f, 1 / 15.08f, 1 / 14.90f,
  1 / 14.72f, 1 / 14.54f, 1 / 14.36f, 1 / 14.18f, 1 / 14.01f, 1 / 13.83f, 1 / 13.65f, 1 / 13.47f,
  1 / 13.29f, 1 / 13.11f, 1 / 12.94f, 1 / 12.76f, 1 / 12.58f, 1 / 12.4f, 1 / 12.1f, 1 / 11.7f,
  1 / 11.2f, 1 / 10.6f, 1 / 9.6f, 1 / 8.2f, 1 / 6.2f, 1 / 4.0f, 1 / 2.0f, 1 / 0.5f,
}};

/// For the table of IQ4_NL. Where the scale is the largest magnitude every code is the one next to
/// 0, and larger scales are worse.
static const first_scales iq4_scales = {4, {
  1 / 160.0f, 1 / 158.19f, 1 / 156.40f, 1 / 154.62f,
  1 / 152.87f, 1 / 151.14f, 1 / 149.43f, 1 / 147.73f,
  1 / 146.06f, 1 / 144.40f, 1 / 142.77f, 1 / 141.15f,
  1 / 139.55f, 1 / 137.97f, 1 / 136.41f, 1 / 134.86f,
  1 / 133.33f, 1 / 131.82f, 1 / 130.33f, 1 / 128.85f,
  1 / 127.39f, 1 / 125.95f, 1 / 124.52f, 1 / 123.11f,
  1 / 121.72f, 1 / 120.34f, 1 / 118.97f, 1 / 117.63f,
  1 / 116.29f, 1 / 114.97f, 1 / 113.67f, 1 / 112.38f,
  1 / 111.11f, 1 / 109.85f, 1 / 108.61f, 1 / 107.38f,
  1 / 106.16f, 1 / 104.96f, 1 / 103.77f, 1 / 102.59f,
  1 / 101.43f, 1 / 100.28f, 1 / 99.14f, 1 / 98.02f, 1 / 96.91f, 1 / 95.81f, 1 / 94.73f, 1 / 93.65f,
  1 / 90.0f, 1 / 87.0f, 1 / 83.0f, 1 / 78.0f, 1 / 72.0f, 1 / 65.0f, 1 / 57.0f, 1 / 48.0f,
  1 / 39.0f, 1 / 31.0f, 1 / 24.0f, 1 / 18.0f, 1 / 12.0f, 1 / 7.0f, 1 / 3.0f, 1 / 1.0f,
}};

/// For FP4 in units of which the largest value is 12.
static const first_scales fp4_group_scales = {2, {
  1 / 20.0f, 1 / 19.41f, 1 / 18.82f, 1 / 18.23f, 1 / 17.65f, 1 / 17.06f, 1 / 16.47f, 1 / 15.88f,
  1 / 15.29f, 1 / 14.71f, 1 / 14.12f, 1 / 13.53f, 1 / 12.94f, 1 / 12.35f, 1 / 11.77f, 1 / 11.18f,
  1 / 10.59f, 1 / 10.0f, 1 / 9.5f, 1 / 9.0f, 1 / 8.4f, 1 / 7.8f, 1 / 7.0f, 1 / 6.2f,
  1 / 5.4f, 1 / 4.6f, 1 / 3.8f, 1 / 3.0f, 1 / 2.2f, 1 / 1.4f, 1 / 0.8f, 1 / 0.45f,
}};

/// Powers of two, from where the largest magnitude is beyond 2^13 units to where it rounds to 0.
static const first_scales fp4_power_scales = {1, {
  0x1p-13f, 0x1p-12f, 0x1p-11f, 0x1p-10f, 0x1p-9f, 0x1p-8f, 0x1p-7f, 0x1p-6f,
  0x1p-5f,  0x1p-4f,  0x1p-3f,  0x1p-2f,  0x1p-1f, 1.0f,    2.0f,    4.0f,
}};

#endif
