/// Errors of a block under sixteen scales, one in each lane.
#ifndef QUERN_VECTOR_OPTIMAL_LANES_H
#define QUERN_VECTOR_OPTIMAL_LANES_H

#include "../scalar/optimal.h"
#include "lanes16.h"

/// The sizes of groups and the formats are constants of the callers: loops unroll and branches go.
#define INLINE inline __attribute__((always_inline))

#ifndef QUERN_HALVES16
#define QUERN_HALVES16
typedef _Float16 search_halves16 __attribute__((vector_size(32)));
typedef uint16_t shorts16 __attribute__((vector_size(32)));
#endif

/// A group of values with one scale. Element i is `magnitudes[i]`, its sign bit i % 32 of word i /
/// 32.
typedef struct search_block {
  const float *values, *weights;
  int count;
  float magnitudes[LARGEST_GROUP];
  uint32_t is_negative[LARGEST_GROUP / 32];
  float largest;  ///< largest magnitude of a weight above 0
  float signal;   ///< Σ w·x²
} search_block;

static inline uints16 load_ordinals(const uint32_t *ordinals) {
  uints16 lanes;
  memcpy(&lanes, ordinals, sizeof lanes);
  return lanes;
}

/// All ones in the lanes of the bits.
static inline ints16 selected_lanes(uint32_t mask) {
  const ints16 bits = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  return (bits & (int32_t)mask) != 0;
}

/// A bit for each lane of ones.
static inline uint32_t mask_of(ints16 lanes) {
#if defined(__x86_64__) && LANES == 16
  return _mm512_movepi32_mask((__m512i)lanes);
#elif defined(__x86_64__)
  __m256 halves[2];
  memcpy(halves, &lanes, sizeof lanes);
  return (uint32_t)_mm256_movemask_ps(halves[0]) | (uint32_t)_mm256_movemask_ps(halves[1]) << 8;
#else
  const uints16 bits = {1,   2,   4,    8,    16,   32,   64,    128,
                        256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  return __builtin_reduce_or((uints16)lanes & bits);
#endif
}

/// Of numbers ≥ 0, which order as their bits do.
static inline floats16 smaller_of(floats16 a, floats16 b) {
  return (floats16)__builtin_elementwise_min((ints16)a, (ints16)b);
}

/// The numbers, or 0 where they are negative.
static inline floats16 positive_part(floats16 values) {
  return (floats16)__builtin_elementwise_max((ints16)values, (ints16){0});
}

/// Lanes 1 to 15 of one vector and lane 0 of the next.
static inline floats16 following(floats16 values, floats16 next) {
  return __builtin_shufflevector(values, next, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                 16);
}

/// A number and lanes 0 to 14.
static inline floats16 preceding(floats16 values, float first) {
  return __builtin_shufflevector(values, (floats16){first}, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                                 11, 12, 13, 14);
}

/// values[indices[k]] in lane k.
static inline floats16 lanes_at(floats16 values, uints16 indices) {
#if defined(__x86_64__) && LANES == 16
  return (floats16)_mm512_permutexvar_ps((__m512i)indices, (__m512)values);
#else
  floats16 lanes;
  for (int k = 0; k < 16; k++) lanes[k] = values[indices[k] & 15];
  return lanes;
#endif
}

/// Numbers with a word each. There is room for sixteen beyond `MOST_PAIRS`.
enum { MOST_PAIRS = 512 };
typedef struct pair_list {
  uint32_t count;
  uint32_t words[MOST_PAIRS + 16];
  float numbers[MOST_PAIRS + 16];
} pair_list;

/// Appends the lanes of the mask, without a branch where the level has an instruction for that.
static inline void append_lanes(pair_list *list, uint32_t mask, uints16 words, floats16 numbers) {
#if defined(__x86_64__) && LANES == 16
  words = (uints16)_mm512_maskz_compress_epi32((__mmask16)mask, (__m512i)words);
  numbers = (floats16)_mm512_maskz_compress_ps((__mmask16)mask, (__m512)numbers);
  memcpy(list->words + list->count, &words, sizeof words);
  store_floats(list->numbers + list->count, numbers);
  list->count += (uint32_t)__builtin_popcount(mask);
#else
  for (; mask; mask &= mask - 1, list->count++) {
    int k = __builtin_ctz(mask);
    list->words[list->count] = words[k];
    list->numbers[list->count] = numbers[k];
  }
#endif
}

/// The smallest of sixteen numbers ≥ 0.
static inline float smallest_of(floats16 values) {
  return float_of((uint32_t)__builtin_reduce_min((ints16)values));
}

static inline float sum_of(floats16 values) {
  typedef float floats8 __attribute__((vector_size(32)));
  typedef float floats4 __attribute__((vector_size(16)));
  floats8 eight = __builtin_shufflevector(values, values, 0, 1, 2, 3, 4, 5, 6, 7) +
                  __builtin_shufflevector(values, values, 8, 9, 10, 11, 12, 13, 14, 15);
  floats4 four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) +
                 __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

static inline floats16 scales_of_halves(uints16 halves) {
  shorts16 narrow = __builtin_convertvector(halves, shorts16);
  return __builtin_convertvector((search_halves16)narrow, floats16);
}

static inline floats16 scales_of_ordinals(scale_kind kind, uints16 ordinals) {
  switch (kind) {
  case SCALE_F16: return scales_of_halves(ordinals);
  case SCALE_BF16: return (floats16)(ordinals << 16);
  case SCALE_UE4M3: return scales_of_halves(ordinals << 7) * 128.0f;
  default: return (floats16)((ordinals - 1) << 23);  // of normal scales
  }
}

static inline uints16 halves_of_scales(floats16 scales) {
  search_halves16 halves = __builtin_convertvector(scales, search_halves16);
  return __builtin_convertvector((shorts16)halves, uints16);
}

/// The ordinals next to some scales, 1 at least and the last at most.
static inline uints16 ordinals_of_scales(const optimal_format *format, floats16 scales) {
  uints16 ordinals;
  switch (format->scale) {
  case SCALE_F16: ordinals = halves_of_scales(scales); break;
  case SCALE_BF16: ordinals = ((uints16)scales + 0x8000) >> 16; break;
  case SCALE_UE4M3: ordinals = (halves_of_scales(scales * 0x1p-7f) + 0x40) >> 7; break;
  default: ordinals = ((uints16)scales >> 23) + 1; break;
  }
  ordinals = __builtin_elementwise_max(ordinals, (uints16){0} + 1);
  return __builtin_elementwise_min(ordinals, (uints16){0} + format->last_ordinal);
}

static INLINE floats16 add_square(const optimal_format *format, floats16 sum, float weight,
                                  floats16 rest) {
  return __builtin_elementwise_fma(format->equal_weights ? rest : weight * rest, rest, sum);
}

/// Adds the weighted square of what x/d is off from the integer next to it.
static INLINE floats16 add_rounded(const optimal_format *format, floats16 sum, float magnitude,
                                   float weight, floats16 inverse, floats16 largest) {
  floats16 scaled = magnitude * inverse;
  floats16 rest = scaled - smaller_of(__builtin_elementwise_roundeven(scaled), largest);
  return add_square(format, sum, weight, rest);
}

static inline floats16 either(ints16 mask, floats16 yes, floats16 no) {
  return (floats16)(((ints16)yes & mask) | ((ints16)no & ~mask));
}

static inline floats16 chosen(ints16 mask, float yes, float no) {
  return either(mask, (floats16){0} + yes, (floats16){0} + no);
}

static INLINE floats16 errors_of_rounding(const optimal_format *format, const search_block *block,
                                          int count, floats16 scales, ints16 is_negative) {
  // Sums in four strands: one would wait for its additions.
  floats16 inverse = 1.0f / scales, sums[4] = {{0}, {0}, {0}, {0}};
  floats16 largest[2] = {chosen(is_negative, format->lowest, format->highest),
                         chosen(is_negative, format->highest, format->lowest)};
  for (int i = 0; i < count; i += 4)
    for (int strand = 0; strand < 4; strand++) {
      int k = i + strand;
      uint32_t sign = block->is_negative[k / 32] >> (k % 32) & 1;
      sums[strand] = add_rounded(format, sums[strand], block->magnitudes[k], block->weights[k],
                                 inverse, largest[sign]);
    }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) * scales * scales;
}

#endif
