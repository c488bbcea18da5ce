/// Q8_0 with the best of 32 scales. A search over all, some 450 that may be the best for every
/// sign, costs ten times as much and gains another 0.1 dB.
#ifndef QUERN_OPTIMAL_Q8_0_H
#define QUERN_OPTIMAL_Q8_0_H

#include "../numbers.h"

enum { Q8_0_SCALES = 32 };

/// The scales tried are the largest magnitude over these, the first being the reference's. Rounding
/// errors differ from one to the next like those of unrelated scales, so that the least of many is
/// well below their mean; scales further from the reference's lose more by their size. Whole
/// numbers let a decoded block find its own scale again.
static const float q8_0_divisors[Q8_0_SCALES] = {
  127.0f,  126.0f,  125.0f,  124.0f,  123.0f,  122.0f,  121.0f,  120.0f,
  119.0f,  118.0f,  117.0f,  116.0f,  115.0f,  114.0f,  113.0f,  112.0f,
  117.5f,  118.16f, 118.82f, 119.48f, 120.14f, 120.8f,  121.46f, 122.12f,
  122.78f, 123.44f, 124.1f,  124.76f, 125.42f, 126.08f, 126.74f, 127.4f,
};

/// Between these a block has 32 finite scales above 0. Others are encoded by the reference's rule.
static const float q8_0_least = 0x1p-16f, q8_0_most = 65504.0f * 112.0f;

/// What the reference's scale has to be worse by, relatively: more than float32 sums may be off.
static const float q8_0_margin = 1 - 0x1p-12f;

#endif
