/// Groups of integers from the FP4 grid: exact where a power of two, or any scale, holds a group.
#ifndef QUERN_INTEGER_GRIDS_H
#define QUERN_INTEGER_GRIDS_H

#include "grid_sizes.h"
#include "integer_groups.h"

#ifdef LANES
#include "../vector/lanes16.h"
#endif

/// The integers of the codes of blocks, by the step of their scale byte above the group's least.
typedef struct grid_table {
  int8_t codes[SCALE_SPAN][16];
} grid_table;

static inline void store_block(const uint8_t *packed, const int8_t table[16], int8_t *codes) {
#ifdef LANES
  grid_codes grid = load_grid_codes(packed);
  bytes16 all = load16(table), low = lookup16(all, grid.low), high = lookup16(all, grid.high);
  memcpy(codes, &low, sizeof low);
  memcpy(codes + 16, &high, sizeof high);
#else
  for (int j = 0; j < PACKED_BYTES; j++) {
    codes[2 * j] = table[packed[j] & 15];
    codes[2 * j + 1] = table[packed[j] >> 4];
  }
#endif
}

/// Blocks outside of the group's scale bytes are zeros.
static inline void store_blocks(const grid_group *group, const grid_table *table, int8_t *codes) {
  static const int8_t zeros[16] = {0};
  for (size_t b = 0; b < group->blocks; b++) {
    const int8_t *own =
      is_counted(group, b) ? table->codes[group->e8m0[b] - group->least] : zeros;
    store_block(group->packed + PACKED_BYTES * b, own, codes + BLOCK_ELEMENTS * b);
  }
}

/// Multiples of 2^shift smallest units, `shift` being one that all codes allow; negative for parts of
/// them.
static inline void power_table(const grid_group *group, int shift, grid_table *table) {
  for (int s = 0; s <= group->most - group->least; s++)
    for (uint8_t code = 0; code < 16; code++) {
      int integer = e2m1_doubled[code] * (1 << s);
      table->codes[s][code] =
        (int8_t)(shift < 0 ? integer * (1 << -shift) : integer / (1 << shift));
    }
}

/// The shift of the finest step that holds a number of smallest units which one of them holds: codes
/// as large as they can be, as from any other rule.
static inline int finest_shift(int largest, int most) {
  int shift = 0;
  while (largest << (1 - shift) <= most) shift--;
  return shift;
}

enum { NO_SHIFT = 127 };

/// The shift of a step that is exact: the finest where the smallest unit holds all, or else the
/// coarsest. `NO_SHIFT` where there is none.
static inline int exact_shift(const grid_group *group, const grid_weights *grid, int most) {
  int largest = 0, together = 0;
  for (int s = 0; s <= group->most - group->least; s++)
    for (int code = 1; code < 8; code++) {
      if (!(grid->present[s] >> code & 0x101)) continue;
      int size = e2m1_doubled[code] * (1 << s);
      largest = size > largest ? size : largest;
      together |= size;
    }
  if (largest <= most) return finest_shift(largest, most);
  int shift = __builtin_ctz((unsigned)together);
  return largest >> shift <= most ? shift : NO_SHIFT;
}

/// The codes under a scale, and whether all that occur are exact.
static inline bool scaled_table(const quern_integer_layout *layout, const grid_group *group,
                                const grid_weights *grid, float scale, grid_table *table) {
  float inverse = 1 / scale;
  bool exact = true;
  for (int s = 0; s <= group->most - group->least; s++) {
    float unit = e2m1_unit((uint8_t)(group->least + s));
    for (uint8_t code = 0; code < 16; code++) {
      float value = (float)e2m1_doubled[code] * unit;
      float integer = clamped_number(nearest_integer(value * inverse), (float)layout->least,
                                     (float)layout->most);
      table->codes[s][code] = (int8_t)(int)integer;
      if (grid->present[s] >> code & 1) exact &= integer * scale == value;
    }
  }
  return exact;
}

/// The best scale of BF16 for magnitudes that no power of two holds.
static inline float grid_scale(const quern_integer_layout *layout, const grid_group *source,
                               const grid_weights *grid) {
  group_sizes group;
  sizes_of_grid(grid, source, &group);
  float most = (float)layout->most;
  uint32_t absmax =
    bits_of(stored_scale(QUERN_SCALE_BF16, group.sizes[group.count - 1] / most, true)) >> 16;
  scale_search search = {&group, most, -(float)layout->least, absmax, INFINITY};
  search_scales(&search, absmax, absmax - OCTAVES_DOWN * OCTAVE, absmax + OCTAVE - 1);
  return bf16_number(search.ordinal);
}

typedef enum grid_result { GRID_EXACT, GRID_NEAREST, GRID_UNUSUAL } grid_result;

/// Encodes a group. One whose scale bytes are beyond the limits here gets no codes.
static inline grid_result encode_grid_group(const quern_integer_layout *layout,
                                            const grid_group *group, const float *weights,
                                            int8_t *codes, float *scale) {
  grid_table table;
  if (group->most < 0) {
    *scale = 1;
    memset(codes, 0, group->blocks * BLOCK_ELEMENTS);
    return GRID_EXACT;
  }
  int spread = group->most - group->least;
  if (group->least < LEAST_SCALE || group->most > MOST_SCALE || spread >= SCALE_SPAN)
    return GRID_UNUSUAL;
  float unit = e2m1_unit((uint8_t)group->least);
  grid_weights grid;
  // Where even the largest code fits, which codes there are need not be known.
  int shift =
    12 << spread <= layout->most ? finest_shift(12 << spread, layout->most) : NO_SHIFT;
  if (shift == NO_SHIFT) {
    weigh_grid_group(group, weights, &grid);
    if (weights && !weighs_anything(group, &grid)) weigh_grid_group(group, NULL, &grid);
    shift = exact_shift(group, &grid, layout->most);
  }
  bool exact = shift != NO_SHIFT;
  if (exact) {
    *scale = shift < 0 ? unit / (float)(1 << -shift) : unit * (float)(1 << shift);
    power_table(group, shift, &table);
  } else {
    *scale = grid_scale(layout, group, &grid);
    exact = scaled_table(layout, group, &grid, *scale, &table);
  }
  store_blocks(group, &table, codes);
  return exact ? GRID_EXACT : GRID_NEAREST;
}

static inline size_t encode_grid_groups(const quern_integer_layout *layout,
                                        const uint8_t *packed, const uint8_t *e8m0,
                                        const float *weights, quern_integer_planes planes,
                                        size_t count) {
  size_t exact = 0, length = layout->group;
  for (size_t start = 0, g = 0; start < count; start += length, g++) {
    grid_group group = grid_group_of(packed + start / 2, e8m0 + start / BLOCK_ELEMENTS,
                                     length / BLOCK_ELEMENTS);
    const float *own = weights_of_group(weights ? weights + start : NULL, length);
    grid_result result =
      encode_grid_group(layout, &group, own, planes.codes + start, planes.scales + g);
    if (result == GRID_UNUSUAL) planes.scales[g] = -1;
    exact += result == GRID_EXACT;
  }
  return exact;
}

#endif
