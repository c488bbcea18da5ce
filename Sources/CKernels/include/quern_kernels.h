/// Row kernels: pointers and counts in, no allocation, no files, no globals but one dispatch table.
///
/// The scalar instance is the definition. Every other instance (`QUERN_LEVEL_V3` = x86-64-v3,
/// `QUERN_LEVEL_V4` = x86-64-v4, `QUERN_LEVEL_NEON`) returns the same bytes and the same sums.
///
/// Arithmetic is float32, one rounding per operation in the order written, never fused.
/// Pointers need no alignment. `count` is a number of elements unless the name says bytes.
#ifndef QUERN_KERNELS_H
#define QUERN_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quern_gptq.h"
#include "quern_integers.h"
#include "quern_products.h"

typedef enum quern_level {
  QUERN_LEVEL_SCALAR = 0,
  QUERN_LEVEL_V3 = 1,
  QUERN_LEVEL_V4 = 2,
  QUERN_LEVEL_NEON = 3,
} quern_level;

/// Sums of one comparison, in 16 fixed lanes: element i of a chunk belongs to lane i mod 16, and a
/// lane adds its elements in ascending order. Values are widened to double before any arithmetic.
typedef struct quern_comparison {
  double signal[16];  ///< sum of source²
  double output[16];  ///< sum of output²
  double noise[16];   ///< sum of (source − output)²
  double max_abs_error;
  uint64_t unequal;     ///< elements whose values differ (−0 equals +0)
  uint64_t lost_signs;  ///< elements that were −0 and came out +0
} quern_comparison;

/// What the F16 scales of a run of blocks look like.
typedef struct quern_scale_counts {
  uint64_t zero_blocks;       ///< the scale is ±0
  uint64_t subnormal_scales;  ///< the scale is an F16 subnormal
  uint64_t first_non_finite;  ///< index of the first block with an infinite or NaN scale, else the block count
} quern_scale_counts;

/// What there is for one block format. `count` is a multiple of the format's block length; values
/// are finite.
typedef struct quern_block_kernels {
  /// To float32: code times scale, rounded once.
  void (*decode)(const uint8_t *blocks, float *out, size_t count);
  /// The rule of the format's reference encoder, byte for byte: the scale from the largest
  /// magnitude, or the search of the K and IQ formats.
  void (*reference)(const float *source, uint8_t *blocks, size_t count);
  /// Searches the scales (and codes) of least Σ weights[i]·(source[i] − decoded[i])². `weights` are
  /// `count` finite values ≥ 0, or NULL where all are 1.
  /// Exact for the formats of one scale but Q8_0, which takes the best of 32. A scale that must be
  /// infinite is stored as that, for the caller to refuse.
  void (*optimal)(const float *source, const float *weights, uint8_t *blocks, size_t count);
  /// From the FP4 grid, same source layout as `f32_from_e2m1`: exact where the format can be,
  /// otherwise the encoding of least weighted squared error that the grid offers.
  void (*from_e2m1)(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                    uint8_t *blocks, size_t count);
} quern_block_kernels;

/// How the scales of integer groups are stored; in memory they are float32.
typedef enum quern_scale_type {
  QUERN_SCALE_F32 = 0,
  QUERN_SCALE_F16 = 1,
  QUERN_SCALE_BF16 = 2,
} quern_scale_type;

/// Groups of integers: an element is (code − zero point) · scale. See `formats/integer-groups`.
typedef struct quern_integer_layout {
  size_t group;          ///< elements of one scale: 32, 64, 128, or a whole row
  int32_t least, most;   ///< of the codes
  bool zero_points;      ///< whether groups have zero points; those without have 0
  bool negative_scales;  ///< whether scales may be negative
  quern_scale_type scale;
} quern_integer_layout;

/// Where the parts of groups go: a code for each element, a scale and (or NULL) a zero point for each
/// group.
typedef struct quern_integer_planes {
  int8_t *codes;
  float *scales;
  int8_t *zero_points;
} quern_integer_planes;

/// A product of matrices that lie in rows: out[m][n] = Σₖ x[m][k] · w[n][k]. Strides are elements from
/// a row to the next.
typedef struct quern_matmul {
  size_t rows;     ///< of x and out
  size_t outputs;  ///< rows of w, columns of out
  size_t inner;    ///< elements of a row of x and of w
  size_t x_stride, w_stride, out_stride;
} quern_matmul;

enum {
  /// Rows of a Gram matrix that are summed before the sum is added.
  QUERN_GRAM_ROWS = 64,
  /// Columns of the widest Gram matrix.
  QUERN_GRAM_COLUMNS = 512,
  /// Numbers that `fma_chains` carries on.
  QUERN_FMA_CHAINS = 192,
};

typedef struct quern_kernels {
  quern_level level;

  // -- decode to float32 ---------------------------------------------------------------------
  void (*f32_from_bf16)(const void *source, float *out, size_t count);
  void (*f32_from_f16)(const void *source, float *out, size_t count);
  /// out[i] = table[codes[i]] · scales[i / scale_block]; table has 256 entries (E4M3 or E5M2).
  void (*f32_from_fp8)(const uint8_t *codes, const float *table, const float *scales,
                       size_t scale_block, float *out, size_t count);
  /// Packed FP4 as released: byte j holds element 2j low, 2j+1 high; one E8M0 byte per 32 elements.
  /// count % 32 == 0. Code 8 decodes to −0.
  void (*f32_from_e2m1)(const uint8_t *packed, const uint8_t *e8m0, float *out, size_t count);

  // -- encode from float32: finite input ------------------------------------------------------
  void (*bf16_from_f32)(const float *source, void *out, size_t count);  ///< nearest even
  void (*f16_from_f32)(const float *source, void *out, size_t count);   ///< nearest even; ≥ 65520 → Inf

  // -- block formats: `formats/blocks` has their bytes -----------------------------------------
  quern_block_kernels q8_0, q4_0, q4_1, q5_0, q5_1, iq4_nl, mxfp4;  // blocks of 32
  quern_block_kernels nvfp4;                                        // blocks of 64
  quern_block_kernels q4_k, q5_k, q6_k, iq4_xs;                     // blocks of 256

  // -- groups of integers: `formats/integer-groups` ---------------------------------------------
  /// The scale from the largest magnitude, so that nothing is cut. A scale that its type cannot hold
  /// is infinite. `count` is a multiple of the group.
  void (*integers_by_absmax)(const quern_integer_layout *layout, const float *source,
                             quern_integer_planes planes, size_t count);
  /// Searches scales and zero points of least weighted squared error: `weights` as in `optimal`.
  /// Exact for codes −8 … 7 in groups of up to 128 with scales in F16 or BF16 and no zero points.
  /// Otherwise, with scales ≥ 0 in BF16, what `formats/integer-groups` says; and with others the best
  /// of a fixed set, absmax among them.
  void (*integers_optimally)(const quern_integer_layout *layout, const float *source,
                             const float *weights, quern_integer_planes planes, size_t count);

  /// From the FP4 grid, for scales in BF16 and no zero points: exact where a scale holds a group,
  /// otherwise with the scale of BF16 of least weighted squared error. A group of zeros has the scale
  /// 1. One whose scale bytes are unusual (beyond 96 … 158, or more than 23 apart) gets the scale −1
  /// and no codes, for the caller to encode from floats. group % 32 == 0, count % group == 0.
  /// Returns the number of exact groups.
  size_t (*integers_from_e2m1)(const quern_integer_layout *layout, const uint8_t *packed,
                               const uint8_t *e8m0, const float *weights,
                               quern_integer_planes planes, size_t count);
  /// out[i] = codes[i] · scales[i / group], rounded once. count % group == 0.
  void (*f32_from_integers)(const int8_t *codes, const float *scales, size_t group, float *out,
                            size_t count);

  // -- rotate: `formats/rotation` ---------------------------------------------------------------
  /// In place: multiplies each column by its gain (NULL: by none), then replaces every 32 columns of
  /// every row by their product with the Hadamard matrix of 32, divided by √32.
  /// row_length % 32 == 0, count % row_length == 0, values finite.
  void (*rotate_columns)(float *values, const float *gains, size_t row_length, size_t count);
  /// In place: the same, without gains, across every 32 rows. count % (32 · row_length) == 0.
  void (*rotate_rows)(float *values, size_t row_length, size_t count);

  // -- check and compare -----------------------------------------------------------------------
  /// Index of the first NaN or infinity, or count.
  size_t (*first_non_finite)(const float *values, size_t count);
  /// Adds to `sums`. `position` is the index in its chunk of the first element (sets the lanes).
  void (*compare)(const float *source, const float *output, size_t position, size_t count,
                  quern_comparison *sums);
  /// Decodes both sides as integers; when every value is equal adds exactly what `compare` would
  /// have added and returns true, otherwise leaves `sums` alone and returns false.
  /// position % 16 == 0, count % 32 == 0.
  bool (*compare_e2m1_mxfp4)(const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks,
                             size_t position, size_t count, quern_comparison *sums);
  bool (*compare_e2m1_q8_0)(const uint8_t *packed, const uint8_t *e8m0, const uint8_t *blocks,
                            size_t position, size_t count, quern_comparison *sums);

  /// The same for integers with one scale: element i is codes[i] · scale.
  bool (*compare_e2m1_integers)(const uint8_t *packed, const uint8_t *e8m0, const int8_t *codes,
                                float scale, size_t position, size_t count,
                                quern_comparison *sums);

  // -- round with error feedback ---------------------------------------------------------------
  /// Rounds the columns of one Hessian block in up to 16 rows, as `quern_gptq.h` says.
  void (*gptq)(const quern_gptq_factor *factor, const quern_gptq_rows *rows,
               quern_gptq_workspace *workspace);

  // -- matrix products -------------------------------------------------------------------------
  /// Sums modulo 2^32, which no sum of fewer than 131,072 products leaves.
  void (*matmul_i8)(const quern_matmul *shape, const int8_t *x, const int8_t *w, int32_t *out);
  /// Each output in 16 lanes: product k goes to lane k mod 16 by fmaf, in ascending order, from +0;
  /// the last lanes are filled up with products of zeros. Then lanes[i] += lanes[i + h] for h = 8, 4,
  /// 2, 1. The bits of a NaN are not defined. Needs 200 KB of stack.
  void (*matmul_f32)(const quern_matmul *shape, const float *x, const float *w, float *out);
  /// The Gram matrix of `columns` ≤ QUERN_GRAM_COLUMNS columns of rows that lie `stride` elements
  /// apart, added to the upper triangle of `out` [columns, columns]; what is below stays. Of each
  /// QUERN_GRAM_ROWS rows a sum by fmaf in ascending order, from +0, which is then added in double:
  /// out[i][j] += Σ x[r][i] · x[r][j]. Needs 130 KB of stack.
  void (*gram_f32)(const float *x, size_t stride, size_t rows, size_t columns, double *out);
  /// Chains of multiply-adds that do not wait for each other, to measure the peak: returns how many
  /// `rounds` of them are. Overwrites `out`, which begins with any finite numbers. Levels differ.
  size_t (*fma_chains)(size_t rounds, float out[QUERN_FMA_CHAINS]);

  // -- products of block formats: `formats/products` --------------------------------------------
  /// out[m][n] for every row m of x, activations, and n of w, weights, whose strides are the same.
  /// Codes of x are above −128.
  void (*multiply_codes)(const quern_code_rows *x, const quern_code_rows *w, float *out,
                         size_t out_stride);

  // -- hash ------------------------------------------------------------------------------------
  /// BLAKE3 of `byte_count` bytes, 32-byte digest.
  void (*blake3)(const void *bytes, size_t byte_count, uint8_t digest[32]);
} quern_kernels;

/// The kernels of one level, or NULL where this CPU cannot run them.
const quern_kernels *quern_kernels_at(quern_level level);
/// The fastest level this CPU runs, chosen once.
const quern_kernels *quern_kernels_best(void);

/// Scans the F16 scale at the start of each block of `block_bytes` bytes.
quern_scale_counts quern_scan_f16_scales(const uint8_t *blocks, size_t block_bytes, size_t block_count);

/// Sums of a comparison whose errors count by weights, in the lanes of `quern_comparison`.
typedef struct quern_weighted_sums {
  double signal[16];  ///< sum of weight · source²
  double noise[16];   ///< sum of weight · (source − output)²
} quern_weighted_sums;

/// Adds to `sums`; all arithmetic is in double, one rounding per operation.
void quern_compare_weighted(const float *source, const float *output, const float *weights,
                            size_t position, size_t count, quern_weighted_sums *sums);

/// Weights to search a row with: importance[i] · (1 + source[i]² / mean)^⅜, the mean that of the
/// squares of the row; finite. The power is taken in double.
void quern_search_weights(const float *source, const float *importance, float *out, size_t count);

/// out[i] = source[i] · factor; `out` may be `source`.
void quern_scale_values(const float *source, float factor, float *out, size_t count);

/// The largest |value| that is finite; 0 where there is none.
float quern_largest_magnitude(const float *values, size_t count);

/// Integers from the FP4 grid, with one power of two as the scale of each `group` elements: codes from
/// −top to top, element k of group g being codes[k] · 2^exponents[g]. Stops at the first group that
/// no power of two holds exactly, and returns its index, or the number of groups. A group of zeros
/// has the exponent 0. group % 32 == 0, count % group == 0, 12 ≤ 2·top, top ≤ 127.
size_t quern_integers_from_e2m1(const uint8_t *packed, const uint8_t *e8m0, size_t group, int top,
                                int8_t *codes, int16_t *exponents, size_t count);

/// Incremental BLAKE3 for byte strings that arrive in pieces (headers, combined digests).
typedef struct quern_blake3_state {
  uint8_t opaque[2048];
} quern_blake3_state;
void quern_blake3_start(quern_blake3_state *state);
void quern_blake3_update(quern_blake3_state *state, const void *bytes, size_t byte_count);
void quern_blake3_finish(const quern_blake3_state *state, uint8_t digest[32]);

#endif
