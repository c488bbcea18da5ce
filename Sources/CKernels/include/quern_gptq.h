/// GPTQ: rounding that knows how inputs correlate.
///
/// A row w of a weight matrix meets inputs x, and what counts is Σ ((w − v)·x)² = e·H·e, where v are
/// the stored values, e = w − v and H = Σ x xᵀ. With H = R Rᵀ, R upper triangular, this is
/// Σᵢ (Rᵢᵢ eᵢ + Σ_{k<i} R_ki e_k)²: column after column is rounded to the nearest code of
/// wᵢ + Σ_{k<i} e_k R_ki / Rᵢᵢ, which is the error feedback of GPTQ (Frantar et al. 2022) without an
/// inverse. Sweeps of coordinate descent on e·H·e follow.
///
/// As in `quern_kernels.h`: no allocation, float32 with one rounding per operation, the same bytes
/// from every level.
#ifndef QUERN_GPTQ_H
#define QUERN_GPTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  /// Columns of the widest Hessian block.
  QUERN_GPTQ_COLUMNS = 512,
  /// Rows that are rounded at once, one in each lane.
  QUERN_GPTQ_ROWS = 16,
  /// Elements of the shortest run with a scale of its own.
  QUERN_GPTQ_GROUP = 16,
};

/// The block formats that can be rounded code by code.
typedef enum quern_code_format {
  QUERN_CODES_Q8_0, QUERN_CODES_Q4_0, QUERN_CODES_Q4_1, QUERN_CODES_Q5_0, QUERN_CODES_Q5_1,
  QUERN_CODES_IQ4_NL, QUERN_CODES_MXFP4, QUERN_CODES_NVFP4, QUERN_CODES_Q4_K, QUERN_CODES_Q5_K,
  QUERN_CODES_Q6_K, QUERN_CODES_IQ4_XS,
} quern_code_format;

/// How the codes of a format become values: `scale · code + offset` for whole numbers `low` to
/// `high`, or `scale · table[code]` with an ascending table of 16, where `low` and `high` are 0, 15.
typedef struct quern_code_rule {
  size_t block_elements, block_bytes;
  /// Elements that share scale and offset.
  size_t group_elements;
  float low, high;
  /// NULL where values are affine in the codes.
  const float *table;
} quern_code_rule;

quern_code_rule quern_code_rule_of(quern_code_format format);

/// The scale and the offset of every group of one block.
void quern_block_scales(quern_code_format format, const uint8_t *block, float *scales,
                        float *offsets);

/// Writes codes (less `low`, so that they begin at 0) into one block, whose scales stay.
void quern_store_codes(quern_code_format format, const uint8_t *codes, uint8_t *block);

/// A Hessian block made ready. `columns` is a multiple of the format's block length.
typedef struct quern_gptq_factor {
  size_t columns;
  /// The column that is taken at each place; a permutation of 0 ..< columns.
  const uint16_t *order;
  /// Whether scales are chosen before the first column is rounded, as any order but the columns' own
  /// requires, or when the block's first column is reached.
  bool has_static_scales;
  /// [columns][columns] by place: the damped Hessian over the mean of its diagonal.
  const float *hessian;
  /// [columns][columns] by place: entry [k][i] is R_ki / Rᵢᵢ for i > k, all else is not read.
  const float *feedback;
  /// By column: the weights for the search of scales.
  const float *importance;
} quern_gptq_factor;

/// Factors H / mean(diag H) + damping · I, columns taken in `order`.
///
/// - hessian: [columns][columns] by column; of each pair the entry [i][j] with i ≤ j is read
/// - work: columns² doubles
/// - damped, feedback: columns² floats, as in `quern_gptq_factor`
/// - pivots: columns floats by column, Rᵢᵢ²
///
/// Returns false where the matrix is not positive definite.
bool quern_gptq_factorize(const float *hessian, size_t columns, const uint16_t *order,
                          double damping, double *work, float *damped, float *feedback,
                          float *pivots);

/// What no sum of x xᵀ has.
typedef enum quern_hessian_defect {
  QUERN_HESSIAN_FINE,
  QUERN_HESSIAN_NOT_FINITE,
  QUERN_HESSIAN_NEGATIVE,    ///< an entry of the diagonal
  QUERN_HESSIAN_ASYMMETRIC,  ///< by more than a thousandth of √(h[i][i] · h[j][j])
  QUERN_HESSIAN_TOO_LARGE,   ///< more than a thousandth above √(h[i][i] · h[j][j])
} quern_hessian_defect;

/// The first defect of a matrix by rows, and where it is.
typedef struct quern_hessian_check {
  quern_hessian_defect defect;
  size_t row, column;
} quern_hessian_check;

quern_hessian_check quern_check_hessian(const float *hessian, size_t columns);

/// What `quern_kernels.gptq` works in.
typedef struct quern_gptq_workspace {
  float weights[QUERN_GPTQ_COLUMNS][QUERN_GPTQ_ROWS];
  float errors[QUERN_GPTQ_COLUMNS][QUERN_GPTQ_ROWS];
  float carried[QUERN_GPTQ_COLUMNS][QUERN_GPTQ_ROWS];
  float scales[QUERN_GPTQ_COLUMNS / QUERN_GPTQ_GROUP][QUERN_GPTQ_ROWS];
  float offsets[QUERN_GPTQ_COLUMNS / QUERN_GPTQ_GROUP][QUERN_GPTQ_ROWS];
  float inverses[QUERN_GPTQ_COLUMNS / QUERN_GPTQ_GROUP][QUERN_GPTQ_ROWS];
  float targets[QUERN_GPTQ_ROWS][256];
  uint8_t codes[QUERN_GPTQ_COLUMNS][QUERN_GPTQ_ROWS];
} quern_gptq_workspace;

/// The rows of one call: up to 16, whose columns of one Hessian block are rounded.
typedef struct quern_gptq_rows {
  quern_code_format format;
  /// The format's search of scales: `optimal` of `quern_block_kernels`.
  void (*optimal)(const float *source, const float *weights, uint8_t *blocks, size_t count);
  /// First element of the Hessian block in the first row, and elements from row to row.
  const float *source;
  size_t source_stride;
  /// The same in bytes for the output.
  uint8_t *blocks;
  size_t block_stride;
  size_t count;
  /// Sweeps of coordinate descent after the rounding.
  size_t sweeps;
} quern_gptq_rows;

#endif
