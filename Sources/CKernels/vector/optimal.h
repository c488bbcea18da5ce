/// Encoders with the scale of least squared error. See `scalar/optimal.h` for what they compute.
#ifndef QUERN_VECTOR_OPTIMAL_H
#define QUERN_VECTOR_OPTIMAL_H

#include "optimal_codes.h"
#include "optimal_first.h"
#include "optimal_search.h"

/// The largest value of a format, of either sign.
static INLINE float largest_value(const optimal_format *format) {
  if (!format->is_table) return format->lowest > format->highest ? format->lowest : format->highest;
  float same = format->same.first, other = format->other.first;
  for (int k = 0; k < TABLE_STEPS; k++)
    same += format->same.steps[k], other += format->other.steps[k];
  return same > other ? same : other;
}

static INLINE search_block prepare_block(const float *values, const float *weights, int count) {
  search_block block = {.values = values, .weights = weights, .count = count};
  floats16 signal = {0};
  uints16 largest = {0};
  for (int i = 0; i < count; i += 16) {
    floats16 value = load_floats(values + i), weight = load_floats(weights + i);
    uints16 magnitude = (uints16)value & magnitude_mask;
    store_floats(block.magnitudes + i, (floats16)magnitude);
    // Values are finite: −0 counts as negative here and is nearest to the same codes.
    block.is_negative[i / 32] |= mask_of((ints16)(value < 0)) << (i % 32);
    largest = __builtin_elementwise_max(largest, magnitude & (uints16)(weight > 0));
    signal += weight * value * value;
  }
  block.largest = float_of(largest_of(largest));
  block.signal = sum_of(signal);
  return block;
}

/// What every scale up to `scale` loses on elements beyond its reach, at least.
static INLINE float clipped_error(const search_block *block, int count, float largest,
                                  float scale) {
  floats16 sum = {0};
  for (int i = 0; i < count; i += 16) {
    floats16 beyond = load_floats(block->magnitudes + i) - largest * scale;
    beyond = positive_part(beyond);
    sum += load_floats(block->weights + i) * beyond * beyond;
  }
  return sum_of(sum) * (1 - 256 * 0x1p-24f);
}

/// Magnitudes, 0 for elements that some scales clip and others, or other signs, do not.
typedef struct parted_magnitudes {
  float unclipped[LARGEST_GROUP];
  uint32_t is_apart[LARGEST_GROUP / 32];
} parted_magnitudes;

static INLINE parted_magnitudes part_magnitudes(const search_block *block, int count,
                                                float reached) {
  parted_magnitudes parted;
  memset(parted.is_apart, 0, sizeof parted.is_apart);
  for (int i = 0; i < count; i += 16) {
    floats16 magnitudes = load_floats(block->magnitudes + i);
    ints16 is_apart = magnitudes > reached;
    store_floats(parted.unclipped + i, (floats16)((ints16)magnitudes & ~is_apart));
    parted.is_apart[i / 32] |= mask_of(is_apart) << (i % 32);
  }
  return parted;
}

/// Tries scales of both signs, whose sums differ only in clipped elements.
static INLINE void try_rounding(const optimal_format *format, const search_block *block, int count,
                                tried_scales *tried, int vectors) {
  float reached = (format->highest + 0.499f) * tried->scales[0][0];
  parted_magnitudes parted = part_magnitudes(block, count, reached);
  floats16 inverses[MOST_FIRST_VECTORS], apart[MOST_FIRST_VECTORS][2];
  for (int v = 0; v < vectors; v++) {
    floats16 inverse = 1.0f / tried->scales[v], sums[2] = {{0}, {0}};
    for (int i = 0; i < count; i++) {
      floats16 scaled = parted.unclipped[i] * inverse;
      floats16 rest = scaled - __builtin_elementwise_roundeven(scaled);
      sums[i & 1] = add_square(format, sums[i & 1], block->weights[i], rest);
    }
    inverses[v] = inverse;
    apart[v][0] = apart[v][1] = sums[0] + sums[1];
  }
  // Largest magnitudes of the scale's sign and of the other.
  const floats16 largest[2] = {(floats16){0} + format->highest, (floats16){0} + format->lowest};
  for (int word = 0; word < (count + 31) / 32; word++)
    for (uint32_t mask = parted.is_apart[word]; mask; mask &= mask - 1) {
      int i = __builtin_ctz(mask) + 32 * word;
      uint32_t sign = block->is_negative[word] >> (i % 32) & 1;
      float magnitude = block->magnitudes[i], weight = block->weights[i];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
        floats16 inverse = inverses[v], *sums = apart[v];
        sums[0] = add_rounded(format, sums[0], magnitude, weight, inverse, largest[sign]);
        sums[1] = add_rounded(format, sums[1], magnitude, weight, inverse, largest[!sign]);
      }
    }
  // Where nothing is clipped both signs come to the same, and + goes first.
  float end = block->largest / (format->highest + 0.499f);
  floats16 never = (floats16){0} + INFINITY;
  for (int v = 0; v < vectors; v++) {
    floats16 square = tried->scales[v] * tried->scales[v];
    tried->errors[0][v] = apart[v][0] * square;
    // The first at or beyond the end is needed still, by the interval below it.
    float before = v > 0 ? tried->scales[v - 1][15] : 0;
    ints16 is_needed = preceding(tried->scales[v], before) < end;
    tried->errors[1][v] = either(is_needed, apart[v][1] * square, never);
  }
}

static INLINE void try_table(const optimal_format *format, const search_block *block, int count,
                             tried_scales *tried, int vectors) {
  narrow_values narrow;
  for (int v = 0; v < vectors; v++) {
    floats16 scales = tried->scales[v], *errors[2] = {&tried->errors[0][v], &tried->errors[1][v]};
    if (!format->either_sign)
      *errors[0] = errors_of_table(format, block, count, scales, (ints16){0});
    else if (narrow_down(format, block, count, scales[0], scales[15], &narrow))
      narrow_errors(&narrow, block, count, scales, errors[0], errors[1]);
    else
      wide_errors(format, block, count, scales, errors[0], errors[1]);
  }
}

/// Tries scales that are fractions of `unit`; false where not even the smallest is so small that
/// all below are worse.
static INLINE bool try_fractions(lane_search *search, const optimal_format *format, int count,
                                 float unit, const float *fractions, int vectors) {
  tried_scales tried;
  const search_block *block = search->block;
  for (int v = 0; v < vectors; v++) {
    tried.ordinals[v] = ordinals_of_scales(format, load_floats(fractions + 16 * v) * unit);
    tried.scales[v] = scales_of_ordinals(format->scale, tried.ordinals[v]);
  }
  tried.ordinals[vectors] = (uints16){0} + tried.ordinals[vectors - 1][15];
  tried.scales[vectors] = (floats16){0} + tried.scales[vectors - 1][15];
  if (format->is_table) try_table(format, block, count, &tried, vectors);
  else try_rounding(format, block, count, &tried, vectors);
  floats16 smallest = tried.errors[0][0];
  for (int negative = 0; negative <= format->either_sign; negative++)
    for (int v = 0; v < vectors; v++) smallest = smaller_of(smallest, tried.errors[negative][v]);
  note_best(search, smallest_of(smallest));
  keep_of_tried(search, &tried, vectors, 0);
  if (format->either_sign) keep_of_tried(search, &tried, vectors, 1);
  if (tried.ordinals[0][0] == 1) return true;
  return clipped_error(block, count, largest_value(format), tried.scales[0][0]) > search->limit;
}

/// Blocks whose searches go side by side: each step of a search waits for the one before, and
/// meanwhile the others go on.
enum { JOBS = 6 };

typedef struct search_job {
  search_block block;
  lane_search search;
  search_round round;
  bool fits;           ///< whether float32 can hold the sums
  bool is_low_enough;  ///< whether all scales below those of the first round are worse
} search_job;

static INLINE void start_job(search_job *job, const optimal_format *format,
                             const first_scales *first, const float *values, const float *weights,
                             int count) {
  job->block = prepare_block(values, weights, count);
  lane_search *search = &job->search;
  search->intervals.count = search->contenders.count = 0;
  float signal = job->block.signal, largest = job->block.largest;
  job->fits = signal > 0x1p-70f && signal < 0x1p60f && largest > 0x1p-18f && largest < 0x1p40f;
  if (!job->fits) return;
  search->block = &job->block;
  search->signal_root = sqrtf(signal);
  search->best_error = INFINITY;
  search->slack = SUM_SLACK(count) + (format->is_table ? TABLE_SLACK : 0);
  search->root_slack = format->is_table ? 0 : ROUNDING_SLACK * search->signal_root;
  search->overflowed = false;
  note_best(search, signal);
  job->is_low_enough =
    try_fractions(search, format, count, largest, first->fractions, first->vectors);
  if (!job->is_low_enough)
    job->is_low_enough =
      try_fractions(search, format, count, largest * first->fractions[0], smaller_fractions, 1);
}

/// Goes on until no job has intervals left.
static INLINE void run_jobs(search_job *jobs, int job_count, const optimal_format *format,
                            int count) {
  for (;;) {
    search_job *active[JOBS];
    int active_count = 0;
    for (int j = 0; j < job_count; j++) {
      active[active_count] = jobs + j;
      active_count += jobs[j].search.intervals.count > 0;
    }
    if (active_count == 0) return;
    for (int j = 0; j < active_count; j++)
      try_round(&active[j]->search, format, count, &active[j]->round);
    for (int j = 0; j < active_count; j++)
      keep_round(&active[j]->search, format, &active[j]->round);
  }
}

static INLINE optimal_scale finish_job(search_job *job, const optimal_format *format,
                                       int count) {
  if (!job->fits || !job->is_low_enough || job->search.overflowed)
    return quern_optimal_scale(format, job->block.values, job->block.weights, count);
  return best_of_contenders(&job->search, format, count);
}

/// `quern_optimal_scale`, by way of float32 where that can hold the sums.
static INLINE optimal_scale best_scale(const optimal_format *format, const first_scales *first,
                                       const float *values, const float *weights, int count) {
  search_job job;
  start_job(&job, format, first, values, weights, count);
  run_jobs(&job, 1, format, count);
  return finish_job(&job, format, count);
}

static inline bool reaches(const float *values, float magnitude) {
  uints16 low = (uints16)load_floats(values) & magnitude_mask;
  uints16 high = (uints16)load_floats(values + 16) & magnitude_mask;
  return largest_of(__builtin_elementwise_max(low, high)) >= bits_of(magnitude);
}

static INLINE void encode_f16_blocks(const optimal_format *format, const first_scales *first,
                                     block_writer write, size_t block_bytes, const float *source,
                                     const float *weights, uint8_t *blocks, size_t count) {
  float overflow = f16_overflow(largest_value(format));
  search_job jobs[JOBS];
  uint8_t *targets[JOBS];
  for (size_t i = 0; i < count;) {
    int job_count = 0;
    for (; job_count < JOBS && i < count; i += BLOCK_ELEMENTS, blocks += block_bytes) {
      if (reaches(source + i, overflow)) {
        static const float zeros[BLOCK_ELEMENTS];
        write(zeros, (optimal_scale){F16_INFINITY, 0}, blocks);
        continue;
      }
      const float *effective = effective_weights(weights ? weights + i : NULL, BLOCK_ELEMENTS);
      targets[job_count] = blocks;
      start_job(jobs + job_count++, format, first, source + i, effective, BLOCK_ELEMENTS);
    }
    run_jobs(jobs, job_count, format, BLOCK_ELEMENTS);
    for (int j = 0; j < job_count; j++)
      write(jobs[j].block.values, finish_job(jobs + j, format, BLOCK_ELEMENTS), targets[j]);
  }
}

static void q4_0_optimally(const float *source, const float *weights, uint8_t *blocks,
                           size_t count) {
  if (weights)
    encode_f16_blocks(&optimal_q4_0, &weighted_8_scales, write_q4_0, Q4_0_BYTES, source, weights,
                      blocks, count);
  else
    encode_f16_blocks(&optimal_q4_0_equal, &rounding_8_scales, write_q4_0, Q4_0_BYTES, source, NULL,
                      blocks, count);
}

static void q5_0_optimally(const float *source, const float *weights, uint8_t *blocks,
                           size_t count) {
  if (weights)
    encode_f16_blocks(&optimal_q5_0, &rounding_16_scales, write_q5_0, Q5_0_BYTES, source, weights,
                      blocks, count);
  else
    encode_f16_blocks(&optimal_q5_0_equal, &rounding_16_scales, write_q5_0, Q5_0_BYTES, source,
                      NULL, blocks, count);
}

static void iq4_nl_optimally(const float *source, const float *weights, uint8_t *blocks,
                             size_t count) {
  encode_f16_blocks(&optimal_iq4_nl, &iq4_scales, write_iq4_nl, IQ4_NL_BYTES, source, weights,
                    blocks, count);
}

static void mxfp4_optimally(const float *source, const float *weights, uint8_t *blocks,
                            size_t count) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS, blocks += MXFP4_BYTES) {
    const float *effective = effective_weights(weights ? weights + i : NULL, BLOCK_ELEMENTS);
    optimal_scale scale =
      best_scale(&optimal_mxfp4, &fp4_power_scales, source + i, effective, BLOCK_ELEMENTS);
    write_mxfp4(source + i, scale, blocks);
  }
}

static void nvfp4_optimally(const float *source, const float *weights, uint8_t *blocks,
                            size_t count) {
  for (size_t i = 0; i < count; i += NVFP4_GROUP) {
    uint8_t *block = blocks + i / NVFP4_ELEMENTS * NVFP4_BYTES;
    size_t group = i % NVFP4_ELEMENTS / NVFP4_GROUP;
    const float *effective = effective_weights(weights ? weights + i : NULL, NVFP4_GROUP);
    optimal_scale scale =
      best_scale(&optimal_nvfp4, &fp4_group_scales, source + i, effective, NVFP4_GROUP);
    write_nvfp4_group(source + i, scale, block + group, block + 4 + 8 * group);
  }
}

#endif
