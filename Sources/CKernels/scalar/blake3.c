#pragma STDC FP_CONTRACT OFF

#include "../blake3.h"

_Static_assert(sizeof(blake3_hasher) <= sizeof(quern_blake3_state), "the hasher fits its bytes");

static uint32_t load_u32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16
    | (uint32_t)bytes[3] << 24;
}

static uint32_t rotate_right(uint32_t word, int count) {
  return word >> count | word << (32 - count);
}

static inline void mix(uint32_t *state, int a, int b, int c, int d, uint32_t x, uint32_t y) {
  state[a] += state[b] + x;
  state[d] = rotate_right(state[d] ^ state[a], 16);
  state[c] += state[d];
  state[b] = rotate_right(state[b] ^ state[c], 12);
  state[a] += state[b] + y;
  state[d] = rotate_right(state[d] ^ state[a], 8);
  state[c] += state[d];
  state[b] = rotate_right(state[b] ^ state[c], 7);
}

static inline void mix_round(uint32_t *state, const uint32_t *message, const uint8_t *order) {
  for (int i = 0; i < 4; i++)
    mix(state, i, i + 4, i + 8, i + 12, message[order[2 * i]], message[order[2 * i + 1]]);
  for (int i = 0; i < 4; i++)
    mix(state, i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12, message[order[2 * i + 8]],
        message[order[2 * i + 9]]);
}

void quern_blake3_compress(blake3_value *value, const uint8_t block[BLAKE3_BLOCK],
                           uint32_t length, uint64_t counter, uint32_t flags) {
  uint32_t message[16], state[16];
  for (int i = 0; i < 16; i++) message[i] = load_u32(block + 4 * i);
  for (int i = 0; i < 8; i++) state[i] = value->words[i];
  for (int i = 0; i < 4; i++) state[i + 8] = blake3_iv[i];
  state[12] = (uint32_t)counter;
  state[13] = (uint32_t)(counter >> 32);
  state[14] = length;
  state[15] = flags;
  // Unrolled, the order is constant and the state stays in registers: three times as fast.
#pragma clang loop unroll(full)
  for (int round = 0; round < 7; round++) mix_round(state, message, blake3_schedule[round]);
  for (int i = 0; i < 8; i++) value->words[i] = state[i] ^ state[i + 8];
}

static void store_value(const blake3_value *value, uint8_t bytes[32]) {
  for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)(value->words[i / 4] >> 8 * (i % 4));
}

/// The parent of two subtrees.
static blake3_value parent(blake3_value left, blake3_value right, uint32_t flags) {
  uint8_t block[BLAKE3_BLOCK];
  store_value(&left, block);
  store_value(&right, block + 32);
  blake3_value value;
  for (int i = 0; i < 8; i++) value.words[i] = blake3_iv[i];
  quern_blake3_compress(&value, block, BLAKE3_BLOCK, 0, BLAKE3_PARENT | flags);
  return value;
}

static void start_chunk(blake3_hasher *hasher) {
  for (int i = 0; i < 8; i++) hasher->chunk.words[i] = blake3_iv[i];
  for (int i = 0; i < BLAKE3_BLOCK; i++) hasher->block[i] = 0;
  hasher->block_length = 0;
  hasher->chunk_blocks = 0;
}

void quern_blake3_hasher_start(blake3_hasher *hasher) {
  hasher->chunks = 0;
  hasher->depth = 0;
  start_chunk(hasher);
}

/// Compresses the block at hand into a copy of the chunk's chaining value.
static blake3_value compressed_block(const blake3_hasher *hasher, uint32_t flags) {
  blake3_value value = hasher->chunk;
  if (hasher->chunk_blocks == 0) flags |= BLAKE3_CHUNK_START;
  quern_blake3_compress(&value, hasher->block, hasher->block_length, hasher->chunks, flags);
  return value;
}

void quern_blake3_hasher_add_subtree(blake3_hasher *hasher, blake3_value value, int height) {
  hasher->chunks += (uint64_t)1 << height;
  // A subtree that completes pairs has as many merges to do as its number has factors of two.
  for (uint64_t number = hasher->chunks >> height; (number & 1) == 0; number >>= 1)
    value = parent(hasher->stack[--hasher->depth], value, 0);
  hasher->stack[hasher->depth++] = value;
}

/// Makes room for one more byte: a full block stays where it is until it is known not to be the
/// last one.
static void make_room(blake3_hasher *hasher) {
  if (hasher->block_length < BLAKE3_BLOCK) return;
  if (hasher->chunk_blocks == BLAKE3_CHUNK_BLOCKS - 1) {
    quern_blake3_hasher_add_subtree(hasher, compressed_block(hasher, BLAKE3_CHUNK_END), 0);
    start_chunk(hasher);
    return;
  }
  hasher->chunk = compressed_block(hasher, 0);
  hasher->chunk_blocks++;
  hasher->block_length = 0;
  for (int i = 0; i < BLAKE3_BLOCK; i++) hasher->block[i] = 0;
}

void quern_blake3_hasher_update(blake3_hasher *hasher, const uint8_t *bytes, size_t byte_count) {
  while (byte_count > 0) {
    make_room(hasher);
    size_t taken = BLAKE3_BLOCK - hasher->block_length;
    if (taken > byte_count) taken = byte_count;
    for (size_t i = 0; i < taken; i++) hasher->block[hasher->block_length + i] = bytes[i];
    hasher->block_length += (uint32_t)taken;
    bytes += taken;
    byte_count -= taken;
  }
}

/// Joins a value with the subtrees on the stack, up to the root.
static void join_stack(const blake3_hasher *hasher, blake3_value value, uint8_t digest[32]) {
  for (uint32_t depth = hasher->depth; depth > 0; depth--)
    value = parent(hasher->stack[depth - 1], value, depth == 1 ? BLAKE3_ROOT : 0);
  store_value(&value, digest);
}

void quern_blake3_hasher_finish(const blake3_hasher *hasher, uint8_t digest[32]) {
  uint32_t flags = BLAKE3_CHUNK_END | (hasher->depth == 0 ? BLAKE3_ROOT : 0);
  join_stack(hasher, compressed_block(hasher, flags), digest);
}

void quern_blake3_hasher_finish_subtrees(blake3_hasher *hasher, const blake3_value *values,
                                         size_t count, uint8_t digest[32]) {
  for (; count > 1; count--) hasher->stack[hasher->depth++] = *values++;
  join_stack(hasher, *values, digest);
}

blake3_value quern_blake3_chunk_value(const uint8_t *bytes, size_t byte_count, uint64_t number) {
  blake3_hasher hasher;
  quern_blake3_hasher_start(&hasher);
  hasher.chunks = number;
  quern_blake3_hasher_update(&hasher, bytes, byte_count);
  return compressed_block(&hasher, BLAKE3_CHUNK_END);
}

void quern_scalar_blake3(const void *bytes, size_t byte_count, uint8_t digest[32]) {
  blake3_hasher hasher;
  quern_blake3_hasher_start(&hasher);
  quern_blake3_hasher_update(&hasher, bytes, byte_count);
  quern_blake3_hasher_finish(&hasher, digest);
}

void quern_blake3_start(quern_blake3_state *state) {
  quern_blake3_hasher_start((blake3_hasher *)state);
}

void quern_blake3_update(quern_blake3_state *state, const void *bytes, size_t byte_count) {
  quern_blake3_hasher_update((blake3_hasher *)state, bytes, byte_count);
}

void quern_blake3_finish(const quern_blake3_state *state, uint8_t digest[32]) {
  quern_blake3_hasher_finish((const blake3_hasher *)state, digest);
}
