/// The search of `scalar/optimal.c` with sixteen scales at once.
///
/// Errors are float32 sums, a scale in each lane and the elements one after the other. How far they
/// can be from the exact ones is known, so that no scale is dropped that might be the best; what is
/// left is compared in double, as the definition does. The result is the definition's whatever the
/// lanes.
#ifndef QUERN_VECTOR_OPTIMAL_SEARCH_H
#define QUERN_VECTOR_OPTIMAL_SEARCH_H

#include "../scalar/optimal_blocks.h"
#include "optimal_codes.h"
#include "optimal_lanes.h"

/// Of sixteen scales, tried in the first round, of each sign.
enum { MOST_FIRST_VECTORS = 4 };

/// How far sums can be off, relatively: a float32 sum of n products by n + 8 roundings, one too
/// much and one too little. A table's values are looked up where x/d, rounded, is: next to a tie
/// the other value costs up to 128 roundings more.
#define SUM_SLACK(count) (((count) > 32 ? 2 * 136 : 2 * 40) * 0x1p-24f)
#define TABLE_SLACK (128 * 0x1p-24f)

/// x/d has two roundings, and its distance from an integer differs by as much. Over a block that
/// makes the root of the error differ by 2.1 · 2^-24 times the root of the signal.
#define ROUNDING_SLACK (2.2f * 0x1p-24f)

/// A search by sixteen scales at once. Ordinals have 15 bits.
typedef struct lane_search {
  const search_block *block;
  float signal_root, best_error;
  float limit;  ///< of errors that may be the least
  float floor;  ///< at which bounds begin: above the limit
  float reach;  ///< (√signal + √limit)²
  float root_slack, slack;
  bool overflowed;
  /// What lies between two scales, exclusively, that were tried: the ordinal of the lower, that of
  /// the upper from bit 16 on, and the sign in bit 31; and the error of the lower.
  pair_list intervals;
  /// Ordinals, with the sign in bit 31, that were within the limit when they were tried; and their
  /// errors.
  pair_list contenders;
} lane_search;

static const uint32_t sign_bit = 0x80000000;

static INLINE void note_best(lane_search *search, float error) {
  search->best_error = error < search->best_error ? error : search->best_error;
  float root = sqrtf(search->best_error) * (1 + 0.5f * search->slack) + 2 * search->root_slack;
  float reach = search->signal_root + root;
  search->limit = root * root * (1 + 0x1p-22f) + 0x1p-120f;
  // `may_be_better` takes errors by a factor smaller; this makes up for what their roots may be
  // off.
  search->floor = search->limit + 0x1p16f * search->root_slack * search->root_slack;
  search->reach = reach * reach * 1.0003f;
}

static INLINE void keep_contenders(lane_search *search, floats16 errors, uints16 ordinals,
                                   uints16 signs, ints16 are_new) {
  uint32_t mask = mask_of((ints16)(errors <= search->limit) & are_new);
  append_lanes(&search->contenders, mask, ordinals | signs, errors);
}

static INLINE void keep_intervals(lane_search *search, ints16 stays, uints16 low, uints16 high,
                                  uints16 signs, floats16 low_errors) {
  append_lanes(&search->intervals, mask_of(stays), low | high << 16 | signs, low_errors);
}

/// Gives up where there is too much to keep.
static INLINE void note_overflow(lane_search *search) {
  if (search->intervals.count <= MOST_PAIRS - 128 && search->contenders.count <= MOST_PAIRS - 128)
    return;
  search->overflowed = true;
  search->intervals.count = search->contenders.count = 0;
}

/// Whether a scale between a and b may have an error within the limit: `may_hold_better` of the
/// definition, squared. With u and v what the errors of the ends exceed the limit by and c² the
/// square of the reach, √u + √v ≤ c is c² − u − v ≥ 2√(u·v).
static INLINE ints16 may_be_better(const lane_search *search, floats16 a, floats16 b,
                                   floats16 error_a, floats16 error_b) {
  const float smaller = 1 - 0x1p-15f;
  floats16 u = error_a * smaller - search->floor, v = error_b * smaller - search->floor;
  floats16 width = (b - a) / a, rest = width * width * search->reach - u - v;
  return (u <= 0) | (v <= 0) | ((rest >= 0) & (rest * rest >= 4 * u * v));
}

/// Scales in ascending order, and their errors under each sign.
typedef struct tried_scales {
  uints16 ordinals[MOST_FIRST_VECTORS + 1];
  floats16 scales[MOST_FIRST_VECTORS + 1], errors[2][MOST_FIRST_VECTORS];
} tried_scales;

/// Keeps what may be the best of one sign, and the intervals between that may hold better scales.
static INLINE void keep_of_tried(lane_search *search, const tried_scales *tried, int vectors,
                                 uint32_t negative) {
  uints16 signs = (uints16){0} + (negative ? sign_bit : 0);
  for (int v = 0; v < vectors; v++) {
    floats16 a = tried->scales[v], errors = tried->errors[negative][v];
    floats16 next = v + 1 < vectors ? tried->errors[negative][v + 1] : (floats16){0} + INFINITY;
    uints16 low = tried->ordinals[v];
    uints16 high = (uints16)following((floats16)low, (floats16)tried->ordinals[v + 1]);
    ints16 stays = may_be_better(search, a, following(a, tried->scales[v + 1]), errors,
                                 following(errors, next)) &
                   (ints16)((ints16)(high - low) > 1);
    keep_intervals(search, stays, low, high, signs, errors);
    keep_contenders(search, errors, low, signs, ~(ints16){0});
  }
}

/// How sixteen scales spread over intervals, by how many of these there are: the interval of each
/// lane and the lane's place in it, the last being its upper end. Lanes that are left stay there.
enum { MOST_TAKEN = 5 };
typedef struct lane_spread {
  uint32_t interval[16], place[16];
} lane_spread;
static const lane_spread spreads[MOST_TAKEN + 1] = {
  {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
   {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
  {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
   {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
  {{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1},
   {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8}},
  {{0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2},
   {1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 5}},
  {{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3},
   {1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4}},
  {{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4},
   {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 3}},
};

/// What is under way between the halves of a round. With each scale the one below it, which for the
/// first of an interval is the interval's lower end.
typedef struct search_round {
  uints16 ordinals, low_ordinals, high_ordinals, signs;
  floats16 scales, low_errors, errors;
  ints16 is_first;
} search_round;

/// Spreads scales over the newest intervals, evenly, and takes these off the list.
static INLINE void spread_scales(lane_search *search, search_round *round) {
  /// 2^16 ÷ places, rounded up.
  static const uint32_t inverses[MOST_TAKEN + 1] = {0, 4096, 8192, 13108, 16384, 21846};
  uint32_t count = search->intervals.count, taken = count < MOST_TAKEN ? count : MOST_TAKEN;
  search->intervals.count = count -= taken;
  uints16 index = load_ordinals(spreads[taken].interval);
  uints16 place = load_ordinals(spreads[taken].place);
  floats16 words = (floats16)load_ordinals(search->intervals.words + count);
  uints16 interval = (uints16)lanes_at(words, index);
  uints16 low = interval & 0x7fff, high = interval >> 16 & 0x7fff;
  uints16 steps = (high - low) * inverses[taken] * place >> 16;
  round->ordinals = __builtin_elementwise_min(low + steps, high);
  round->is_first = place == 1;
  round->low_ordinals = low;
  round->high_ordinals = high;
  round->signs = interval & sign_bit;
  round->low_errors = lanes_at(load_floats(search->intervals.numbers + count), index);
}

/// The first half: sixteen scales in the newest intervals, and their errors.
static INLINE void try_round(lane_search *search, const optimal_format *format, int count,
                             search_round *round) {
  spread_scales(search, round);
  round->scales = scales_of_ordinals(format->scale, round->ordinals);
  ints16 is_negative = (ints16)round->signs >> 31;
  round->errors = errors_of_scales(format, search->block, count, round->scales, is_negative);
}

/// The second half: what of them and of the intervals between is kept.
static INLINE void keep_round(lane_search *search, const optimal_format *format,
                              const search_round *round) {
  note_best(search, smallest_of(round->errors));
  uints16 below = (uints16)preceding((floats16)round->ordinals, 0);
  uints16 low = (uints16)either(round->is_first, (floats16)round->low_ordinals, (floats16)below);
  floats16 low_errors = either(round->is_first, round->low_errors, preceding(round->errors, 0));
  ints16 are_new = (round->ordinals != low) & (round->ordinals != round->high_ordinals);
  keep_contenders(search, round->errors, round->ordinals, round->signs, are_new);
  floats16 low_scales = scales_of_ordinals(format->scale, low);
  ints16 stays = may_be_better(search, low_scales, round->scales, low_errors, round->errors) &
                 (ints16)((ints16)(round->ordinals - low) > 1);
  keep_intervals(search, stays, low, round->ordinals, round->signs, low_errors);
  note_overflow(search);
}

/// `quern_optimal_error` of a table, bit for bit: only the values are looked up in lanes.
static INLINE double exact_error(const optimal_format *format, const search_block *block, int count,
                                 optimal_scale scale) {
  float d = scale_of_ordinal(format->scale, scale.ordinal), nearest[LARGEST_GROUP];
  for (int i = 0; i < count; i += 16) {
    uint32_t word = block->is_negative[i / 32] >> (i % 32);
    ints16 is_other = selected_lanes(scale.negative ? ~word : word);
    floats16 magnitudes = load_floats(block->magnitudes + i);
    store_floats(nearest + i, nearest_values(format, magnitudes, d, is_other));
  }
  double sum = 0;
  for (int i = 0; i < count; i++) {
    double error = (double)block->magnitudes[i] - (double)d * (double)nearest[i];
    sum += (double)block->weights[i] * error * error;
  }
  return sum;
}

static inline optimal_scale scale_of_word(uint32_t word) {
  return (optimal_scale){word & ~sign_bit, word >> 31};
}

/// Keeps of the contenders those within the limit as it is now.
static INLINE void drop_contenders(pair_list *list, float limit) {
  uint32_t count = list->count;
  list->count = 0;
  for (uint32_t i = 0; i < count; i += 16) {
    floats16 errors = load_floats(list->numbers + i);
    uint32_t mask = mask_of(errors <= limit);
    if (count - i < 16) mask &= (1u << (count - i)) - 1;
    append_lanes(list, mask, load_ordinals(list->words + i), errors);
  }
}

typedef double doubles8 __attribute__((vector_size(64)));
typedef int64_t longs8 __attribute__((vector_size(64)));

static inline doubles8 either_double(longs8 mask, doubles8 yes, doubles8 no) {
  return (doubles8)(((longs8)yes & mask) | ((longs8)no & ~mask));
}

typedef float floats8 __attribute__((vector_size(32)));
typedef int32_t ints8 __attribute__((vector_size(32)));

static inline floats8 first_eight(floats16 values) {
  return __builtin_shufflevector(values, values, 0, 1, 2, 3, 4, 5, 6, 7);
}

/// `quern_optimal_error` of a rounding format, bit for bit, under eight scales at once.
static INLINE void exact_errors(const optimal_format *format, const search_block *block, int count,
                                const uint32_t *words, double *errors) {
  uints16 all = load_ordinals(words);
  floats16 scales = scales_of_ordinals(format->scale, all & ~sign_bit);
  doubles8 d = __builtin_convertvector(first_eight(scales), doubles8), sum = {0};
  longs8 is_negative = __builtin_convertvector((ints8)first_eight((floats16)all) >> 31, longs8);
  doubles8 highest = sum + format->highest, lowest = sum + format->lowest;
  doubles8 inverse = 1.0 / d, largest[2] = {either_double(is_negative, lowest, highest),
                                            either_double(is_negative, highest, lowest)};
  for (int i = 0; i < count; i++) {
    double magnitude = (double)block->magnitudes[i];
    doubles8 most = largest[block->is_negative[i / 32] >> (i % 32) & 1];
    doubles8 nearest = __builtin_elementwise_roundeven(magnitude * inverse);
    doubles8 error = magnitude - d * either_double(nearest < most, nearest, most);
    sum += (double)block->weights[i] * error * error;
  }
  memcpy(errors, &sum, sizeof sum);
}

/// The best of the contenders, among them a scale of 0: compared as the definition does where there
/// are several.
static INLINE optimal_scale best_of_contenders(lane_search *search, const optimal_format *format,
                                               int count) {
  pair_list *list = &search->contenders;
  drop_contenders(list, search->limit);
  const search_block *block = search->block;
  optimal_scale best = {0, 0};
  double best_error = INFINITY;
  if (block->signal <= search->limit)
    best_error = quern_optimal_error(format, block->values, block->weights, count, best);
  else if (list->count == 1)
    return scale_of_word(list->words[0]);
  double errors[8];
  for (uint32_t k = 0; k < list->count; k++) {
    optimal_scale scale = scale_of_word(list->words[k]);
    if (!format->is_table && k % 8 == 0)
      exact_errors(format, block, count, list->words + k, errors);
    double error = format->is_table ? exact_error(format, block, count, scale) : errors[k % 8];
    if (error < best_error || (error == best_error && precedes(scale, best)))
      best_error = error, best = scale;
  }
  return best;
}

#endif
