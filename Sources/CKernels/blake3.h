/// BLAKE3, unkeyed, 32-byte digests: what the definition and the wide instances share.
///
/// Input is cut into chunks of 1024 bytes, chunks into blocks of 64. The chunks are the leaves of a
/// binary tree whose left subtrees are complete. A subtree is represented by its chaining value:
/// the eight words its root's compression returns. (BLAKE3 paper, section 2.)
#ifndef QUERN_BLAKE3_H
#define QUERN_BLAKE3_H

#include <stddef.h>
#include <stdint.h>

#include "include/quern_kernels.h"

enum { BLAKE3_BLOCK = 64, BLAKE3_CHUNK = 1024, BLAKE3_CHUNK_BLOCKS = 16 };

enum { BLAKE3_CHUNK_START = 1, BLAKE3_CHUNK_END = 2, BLAKE3_PARENT = 4, BLAKE3_ROOT = 8 };

static const uint32_t blake3_iv[8] = {
  0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
};

/// The order in which each of the seven rounds takes the message words.
static const uint8_t blake3_schedule[7][16] = {
  {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
  {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
  {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
  {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
  {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
  {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
  {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

typedef struct blake3_value {
  uint32_t words[8];
} blake3_value;

/// A hash in progress. No field needs alignment, so that it can lie in the public opaque bytes.
typedef struct __attribute__((packed, may_alias)) blake3_hasher {
  blake3_value chunk;        ///< chaining value of the blocks of the current chunk so far
  uint8_t block[BLAKE3_BLOCK];
  uint32_t block_length;     ///< bytes in `block`
  uint32_t chunk_blocks;     ///< blocks of the current chunk already compressed
  uint64_t chunks;           ///< complete chunks before the current one
  uint32_t depth;
  blake3_value stack[54];    ///< complete subtrees waiting for a right sibling, largest first
} blake3_hasher;

void quern_blake3_compress(blake3_value *value, const uint8_t block[BLAKE3_BLOCK],
                           uint32_t length, uint64_t counter, uint32_t flags);
void quern_blake3_hasher_start(blake3_hasher *hasher);
void quern_blake3_hasher_update(blake3_hasher *hasher, const uint8_t *bytes, size_t byte_count);
void quern_blake3_hasher_finish(const blake3_hasher *hasher, uint8_t digest[32]);

/// Takes the chaining value of the next 2^height chunks. Needs an empty current chunk, a number of
/// chunks so far divisible by 2^height, and at least one more byte to follow.
void quern_blake3_hasher_add_subtree(blake3_hasher *hasher, blake3_value value, int height);

/// Takes the chaining values of all that is left, left subtrees before right ones, and ends. Needs
/// an empty current chunk and, with the subtrees taken before, at least two values.
void quern_blake3_hasher_finish_subtrees(blake3_hasher *hasher, const blake3_value *values,
                                         size_t count, uint8_t digest[32]);

/// The chaining value of one of several chunks.
blake3_value quern_blake3_chunk_value(const uint8_t *bytes, size_t byte_count, uint64_t number);

void quern_scalar_blake3(const void *bytes, size_t byte_count, uint8_t digest[32]);

#endif
