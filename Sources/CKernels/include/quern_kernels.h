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
  void (*f32_from_q8_0)(const uint8_t *blocks, float *out, size_t count);
  void (*f32_from_q4_0)(const uint8_t *blocks, float *out, size_t count);
  void (*f32_from_mxfp4)(const uint8_t *blocks, float *out, size_t count);

  // -- encode from float32: finite input, count % 32 == 0 for block formats --------------------
  void (*bf16_from_f32)(const float *source, void *out, size_t count);  ///< nearest even
  void (*f16_from_f32)(const float *source, void *out, size_t count);   ///< nearest even; ≥ 65520 → Inf
  void (*q8_0_from_f32)(const float *source, uint8_t *blocks, size_t count);
  void (*q4_0_from_f32)(const float *source, uint8_t *blocks, size_t count);
  void (*mxfp4_from_f32)(const float *source, uint8_t *blocks, size_t count);

  // -- encode from the FP4 grid (same source layout as f32_from_e2m1) --------------------------
  /// Nibble relayout, scale byte copied: no arithmetic.
  void (*mxfp4_from_e2m1)(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks, size_t count);
  /// Exact wherever an F16 scale can hold a power of two that puts every code on an int8; a block
  /// for which none exists falls back to q8_0_from_f32 of its decoded values.
  void (*q8_0_from_e2m1)(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks, size_t count);
  /// The best of the lattice steps {1, 1.5, 2, 3, 4}·unit with either sign, smallest squared error.
  void (*q4_0_from_e2m1)(const uint8_t *packed, const uint8_t *e8m0, uint8_t *blocks, size_t count);

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

/// Incremental BLAKE3 for byte strings that arrive in pieces (headers, combined digests).
typedef struct quern_blake3_state {
  uint8_t opaque[2048];
} quern_blake3_state;
void quern_blake3_start(quern_blake3_state *state);
void quern_blake3_update(quern_blake3_state *state, const void *bytes, size_t byte_count);
void quern_blake3_finish(const quern_blake3_state *state, uint8_t digest[32]);

#endif
