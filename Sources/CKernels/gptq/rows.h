/// The rounding of up to 16 rows, one in each lane: included once for every level. Lanes never meet,
/// so a row's bytes do not depend on its neighbours.
#include <string.h>

#include "../include/quern_gptq.h"

typedef float row_floats __attribute__((vector_size(64), aligned(4)));
typedef int32_t row_ints __attribute__((vector_size(64), aligned(4)));
typedef uint8_t row_bytes __attribute__((vector_size(16), aligned(1)));

/// Columns whose feedback is gathered together: sums in registers.
enum { ROW_TILE = 8 };

static inline row_floats *row_lanes(float *values) { return (row_floats *)values; }

/// The nearest code of `x`, given in units of the scale, and that code's value in units.
static inline void nearest_codes(const quern_code_rule *rule, const row_floats *x, row_bytes *codes,
                               row_floats *units) {
  if (rule->table) {
    const float *table = rule->table;
    row_ints index = {0};
    row_floats value = {0};
    value += table[0];
    for (int k = 0; k < 15; k++) {
      float step = table[k + 1] - table[k], middle = table[k] + 0.5f * step;
      row_ints above = (row_ints)(*x > middle);
      row_floats steps = {0};
      steps += step;
      value += (row_floats)((row_ints)steps & above);
      index -= above;
    }
    // The table of FP4 ends with its last value twice; the codes of both are the same.
    *codes = __builtin_convertvector(index, row_bytes);
    *units = value;
    return;
  }
  row_floats low = {0}, high = {0};
  low += rule->low;
  high += rule->high;
  // Written so that a NaN becomes `low`.
  row_ints is_above = (row_ints)(*x > low);
  row_floats y = (row_floats)(((row_ints)*x & is_above) | ((row_ints)low & ~is_above));
  row_ints is_below = (row_ints)(y < high);
  y = (row_floats)(((row_ints)y & is_below) | ((row_ints)high & ~is_below));
  // Adding 1.5·2^23 leaves no bits behind the point: to nearest, ties to even.
  y = (y + 12582912.0f) - 12582912.0f;
  *units = y;
  *codes = __builtin_convertvector(__builtin_convertvector(y - low, row_ints), row_bytes);
}

/// Rounds the column at a place to the code nearest to `target`, and notes code and error.
static inline void round_place(const quern_gptq_factor *f, const quern_code_rule *rule,
                               quern_gptq_workspace *ws, size_t place, const row_floats *target) {
  size_t group = f->order[place] / rule->group_elements;
  row_floats scale = *row_lanes(ws->scales[group]), offset = *row_lanes(ws->offsets[group]);
  row_floats x = (*target - offset) * *row_lanes(ws->inverses[group]), units;
  nearest_codes(rule, &x, (row_bytes *)ws->codes[place], &units);
  *row_lanes(ws->errors[place]) = *row_lanes(ws->weights[place]) - (scale * units + offset);
}

/// Adds to the feedback of eight places what the errors of the places `from` ..< `to` cause.
static inline void gather(const quern_gptq_factor *f, quern_gptq_workspace *ws, size_t from,
                          size_t to, size_t place, row_floats sums[ROW_TILE]) {
  row_floats s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  row_floats s4 = sums[4], s5 = sums[5], s6 = sums[6], s7 = sums[7];
  for (size_t k = from; k < to; k++) {
    const float *row = f->feedback + k * f->columns + place;
    row_floats error = *row_lanes(ws->errors[k]);
    s0 += error * row[0];
    s1 += error * row[1];
    s2 += error * row[2];
    s3 += error * row[3];
    s4 += error * row[4];
    s5 += error * row[5];
    s6 += error * row[6];
    s7 += error * row[7];
  }
  sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
  sums[4] = s4, sums[5] = s5, sums[6] = s6, sums[7] = s7;
}

/// Adds to the feedback of the places behind `place` in its tile what its error causes.
static inline void spread(const quern_gptq_factor *f, quern_gptq_workspace *ws, size_t place,
                          row_floats sums[ROW_TILE]) {
  const float *row = f->feedback + place * f->columns;
  size_t tile = place / ROW_TILE * ROW_TILE;
  for (size_t j = place % ROW_TILE + 1; j < ROW_TILE; j++) {
    sums[j] += *row_lanes(ws->errors[place]) * row[tile + j];
  }
}

/// What each column of a block would have to be if the block were not rounded at all: its weights
/// plus the feedback from before it. The feedback from before the block goes to `carried`.
static void find_targets(const quern_gptq_factor *f, quern_gptq_workspace *ws, size_t first,
                         size_t count) {
  for (size_t tile = first; tile < first + count; tile += ROW_TILE) {
    row_floats sums[ROW_TILE] = {0};
    gather(f, ws, 0, first, tile, sums);
    for (size_t j = 0; j < ROW_TILE; j++) *row_lanes(ws->carried[tile + j]) = sums[j];
    gather(f, ws, first, tile, tile, sums);
    for (size_t j = 0; j < ROW_TILE; j++) {
      size_t place = tile + j;
      row_floats weight = *row_lanes(ws->weights[place]), target = weight + sums[j];
      // A search of scales takes finite values only.
      row_ints is_finite = (row_ints)(target - target == 0);
      target = (row_floats)(((row_ints)target & is_finite) | ((row_ints)weight & ~is_finite));
      *row_lanes(ws->errors[place]) = weight - target;
      for (size_t lane = 0; lane < QUERN_GPTQ_ROWS; lane++) {
        ws->targets[lane][place - first] = target[lane];
      }
      spread(f, ws, place, sums);
    }
  }
}

/// Rounds the places of a block one after the other; `carried` has the feedback from before it.
static void round_block(const quern_gptq_factor *f, const quern_code_rule *rule,
                        quern_gptq_workspace *ws, size_t first, size_t count) {
  for (size_t tile = first; tile < first + count; tile += ROW_TILE) {
    row_floats sums[ROW_TILE];
    for (size_t j = 0; j < ROW_TILE; j++) sums[j] = *row_lanes(ws->carried[tile + j]);
    gather(f, ws, first, tile, tile, sums);
    for (size_t j = 0; j < ROW_TILE; j++) {
      row_floats target = *row_lanes(ws->weights[tile + j]) + sums[j];
      round_place(f, rule, ws, tile + j, &target);
      spread(f, ws, tile + j, sums);
    }
  }
}

/// One sweep of coordinate descent: every code in turn becomes the one of least e·H·e.
static void sweep_codes(const quern_gptq_factor *f, const quern_code_rule *rule,
                        quern_gptq_workspace *ws) {
  size_t n = f->columns;
  for (size_t i = 0; i < n; i++) {
    const float *row = f->hessian + i * n;
    row_floats s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    for (size_t j = 0; j < n; j += 4) {
      s0 += *row_lanes(ws->errors[j]) * row[j];
      s1 += *row_lanes(ws->errors[j + 1]) * row[j + 1];
      s2 += *row_lanes(ws->errors[j + 2]) * row[j + 2];
      s3 += *row_lanes(ws->errors[j + 3]) * row[j + 3];
    }
    row_floats gradient = (s0 + s2) + (s1 + s3);
    row_floats value = *row_lanes(ws->weights[i]) - *row_lanes(ws->errors[i]);
    row_floats target = value + gradient / row[i];
    round_place(f, rule, ws, i, &target);
  }
}

/// Searches the scales of one block of every row for its targets, and notes them.
static void choose_scales(const quern_gptq_factor *f, const quern_code_rule *rule,
                          quern_gptq_workspace *ws, const quern_gptq_rows *rows, size_t first) {
  size_t groups = rule->block_elements / rule->group_elements;
  size_t group = first / rule->group_elements;
  for (size_t lane = 0; lane < rows->count; lane++) {
    uint8_t *block = rows->blocks + lane * rows->block_stride
                     + first / rule->block_elements * rule->block_bytes;
    rows->optimal(ws->targets[lane], f->importance + first, block, rule->block_elements);
    float scales[QUERN_GPTQ_GROUP], offsets[QUERN_GPTQ_GROUP];
    quern_block_scales(rows->format, block, scales, offsets);
    for (size_t k = 0; k < groups; k++) {
      ws->scales[group + k][lane] = scales[k];
      ws->offsets[group + k][lane] = offsets[k];
      float inverse = scales[k] == 0 ? 0 : 1 / scales[k];
      // The smallest scales of MXFP4 have no inverse.
      ws->inverses[group + k][lane] = inverse > 0x1.fffffep127f ? 0x1.fffffep127f : inverse;
    }
  }
}

/// Fills the lanes with the rows' weights by place; lanes without a row are zero.
static void load_rows(const quern_gptq_factor *f, quern_gptq_workspace *ws,
                      const quern_gptq_rows *rows) {
  memset(ws, 0, sizeof *ws);
  for (size_t lane = 0; lane < rows->count; lane++) {
    const float *source = rows->source + lane * rows->source_stride;
    for (size_t place = 0; place < f->columns; place++) {
      ws->weights[place][lane] = source[f->order[place]];
    }
  }
}

/// Writes the codes of all rows into their blocks.
static void store_rows(const quern_gptq_factor *f, const quern_code_rule *rule,
                       const quern_gptq_workspace *ws, const quern_gptq_rows *rows) {
  uint8_t codes[QUERN_GPTQ_COLUMNS];
  for (size_t lane = 0; lane < rows->count; lane++) {
    for (size_t place = 0; place < f->columns; place++) {
      codes[f->order[place]] = ws->codes[place][lane];
    }
    uint8_t *block = rows->blocks + lane * rows->block_stride;
    for (size_t first = 0; first < f->columns; first += rule->block_elements) {
      quern_store_codes(rows->format, codes + first, block);
      block += rule->block_bytes;
    }
  }
}

static void gptq_rows(const quern_gptq_factor *f, const quern_gptq_rows *rows,
                      quern_gptq_workspace *ws) {
  quern_code_rule rule = quern_code_rule_of(rows->format);
  load_rows(f, ws, rows);
  for (size_t first = 0; first < f->columns; first += rule.block_elements) {
    if (f->has_static_scales) {
      for (size_t lane = 0; lane < rows->count; lane++) {
        memcpy(ws->targets[lane], rows->source + lane * rows->source_stride + first,
               rule.block_elements * sizeof(float));
      }
    } else {
      find_targets(f, ws, first, rule.block_elements);
    }
    choose_scales(f, &rule, ws, rows, first);
    if (!f->has_static_scales) round_block(f, &rule, ws, first, rule.block_elements);
  }
  if (f->has_static_scales) round_block(f, &rule, ws, 0, f->columns);
  for (size_t sweep = 0; sweep < rows->sweeps; sweep++) sweep_codes(f, &rule, ws);
  store_rows(f, &rule, ws, rows);
}
