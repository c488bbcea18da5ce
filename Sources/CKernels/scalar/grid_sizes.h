/// Groups on the FP4 grid by magnitude: there are few, whatever the length of a group.
#ifndef QUERN_GRID_SIZES_H
#define QUERN_GRID_SIZES_H

#include "../grid/histogram.h"
#include "scale_search.h"

/// Scale bytes that a group's blocks may have for its magnitudes to be told apart here, and how far
/// they may lie apart; groups of so many blocks at least are counted by bytes, two codes at once.
enum { LEAST_SCALE = 96, MOST_SCALE = 158, SCALE_SPAN = 24, LONG_GRID_GROUP = 32 };

/// A group of blocks of 32: scale bytes of those that are not zeros from `least` to `most`.
typedef struct grid_group {
  const uint8_t *packed, *e8m0;
  size_t blocks;
  int least, most;
} grid_group;

static inline bool is_zero_block(const uint8_t *packed) {
  uint64_t words[2];
  memcpy(words, packed, sizeof words);
  return ((words[0] | words[1]) & 0x7777777777777777) == 0;
}

static inline grid_group grid_group_of(const uint8_t *packed, const uint8_t *e8m0,
                                       size_t blocks) {
  grid_group group = {packed, e8m0, blocks, 256, -1};
  for (size_t b = 0; b < blocks; b++) {
    if (is_zero_block(packed + PACKED_BYTES * b)) continue;
    group.least = e8m0[b] < group.least ? e8m0[b] : group.least;
    group.most = e8m0[b] > group.most ? e8m0[b] : group.most;
  }
  return group;
}

/// Weight by scale byte, from the group's least one on, and code; and whether the code occurs.
typedef struct grid_weights {
  float weights[SCALE_SPAN][16];
  uint32_t present[SCALE_SPAN];
} grid_weights;

static inline bool is_counted(const grid_group *group, size_t block) {
  return group->e8m0[block] >= group->least && group->e8m0[block] <= group->most;
}

/// Bytes by value, of blocks with one scale byte.
typedef uint32_t byte_counts[256];

/// How often each code is the low or the high half of a byte.
static inline void count_halves(const byte_counts bytes, uint32_t codes[16]) {
  uint32_t low[16] = {0};
  for (int high = 0; high < 16; high++) {
    uint32_t sum = 0;
    for (int code = 0; code < 16; code++) {
      low[code] += bytes[16 * high + code];
      sum += bytes[16 * high + code];
    }
    codes[high] = sum;
  }
  for (int code = 0; code < 16; code++) codes[code] += low[code];
}

static inline void count_bytes(const grid_group *group, grid_weights *grid) {
  byte_counts counts[SCALE_SPAN];
  int span = group->most - group->least + 1;
  memset(counts, 0, (size_t)span * sizeof counts[0]);
  for (size_t b = 0; b < group->blocks; b++) {
    if (!is_counted(group, b)) continue;
    uint32_t *own = counts[group->e8m0[b] - group->least];
    const uint8_t *packed = group->packed + PACKED_BYTES * b;
    for (int j = 0; j < PACKED_BYTES; j++) own[packed[j]]++;
  }
  for (int s = 0; s < span; s++) {
    uint32_t codes[16];
    count_halves(counts[s], codes);
    grid->present[s] = 0;
    for (int code = 0; code < 16; code++) {
      grid->weights[s][code] = (float)codes[code];
      grid->present[s] |= (uint32_t)(codes[code] > 0) << code;
    }
  }
}

/// The same in order and with weights, or for groups so short that a count of bytes is too long.
static inline void weigh_grid(const grid_group *group, const float *weights,
                              grid_weights *grid) {
  int span = group->most - group->least + 1;
  float normaliser =
    weights ? weight_normaliser(weights, (int)(group->blocks * BLOCK_ELEMENTS)) : 0;
  memset(grid->weights, 0, (size_t)span * sizeof grid->weights[0]);
  memset(grid->present, 0, (size_t)span * sizeof grid->present[0]);
  for (size_t b = 0; b < group->blocks; b++) {
    if (!is_counted(group, b)) continue;
    int s = group->e8m0[b] - group->least;
    for (int k = 0; k < BLOCK_ELEMENTS; k++) {
      uint8_t code = packed_code(group->packed + PACKED_BYTES * b, k);
      grid->present[s] |= 1u << code;
      grid->weights[s][code] +=
        weights ? weights[BLOCK_ELEMENTS * b + (size_t)k] * normaliser : 1.0f;
    }
  }
}

static inline void weigh_grid_group(const grid_group *group, const float *weights,
                                    grid_weights *grid) {
  if (!weights && group->blocks >= LONG_GRID_GROUP) count_bytes(group, grid);
  else weigh_grid(group, weights, grid);
}

/// Whether an element that is not 0 weighs something.
static inline bool weighs_anything(const grid_group *group, const grid_weights *grid) {
  float sum = 0;
  for (int s = 0; s <= group->most - group->least; s++)
    for (int code = 1; code < 8; code++)
      sum += grid->weights[s][code] + grid->weights[s][code + 8];
  return sum > 0;
}

/// 2^j and 3 · 2^j of smallest units, and the elements that are ± that.
typedef struct grid_ladder {
  float weights[SCALE_SPAN + 3][2], negative[SCALE_SPAN + 3][2];
} grid_ladder;

static inline void add_to_ladder(const grid_weights *grid, int s, grid_ladder *ladder) {
  static const uint8_t steps[8] = {0, 0, 1, 0, 2, 1, 3, 2}, triple[8] = {0, 0, 0, 1, 0, 1, 0, 1};
  for (int code = 1; code < 8; code++) {
    float negative = grid->weights[s][code + 8];
    ladder->weights[s + steps[code]][triple[code]] += grid->weights[s][code] + negative;
    ladder->negative[s + steps[code]][triple[code]] += negative;
  }
}

/// The magnitudes that weigh something.
static inline void sizes_of_grid(const grid_weights *grid, const grid_group *source,
                                 group_sizes *group) {
  grid_ladder ladder;
  int span = source->most - source->least + 1;
  memset(&ladder, 0, sizeof ladder);
  for (int s = 0; s < span; s++) add_to_ladder(grid, s, &ladder);
  group->count = 0;
  // Ascending: 2^j, then 3 · 2^(j − 1).
  for (int j = 0; j < span + 3; j++)
    for (int triple = 0; triple < 2; triple++) {
      int step = j - triple;
      if (step < 0 || !(ladder.weights[step][triple] > 0)) continue;
      group->sizes[group->count] =
        (triple ? 3.0f : 1.0f) * e2m1_unit((uint8_t)source->least) * (float)(1 << step);
      group->weights[group->count] = ladder.weights[step][triple];
      group->negative[group->count++] = ladder.negative[step][triple];
    }
  sum_sizes(group);
}

#endif
