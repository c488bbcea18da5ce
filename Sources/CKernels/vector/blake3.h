/// BLAKE3 of many chunks side by side: each vector holds one state word of `LANES` chunks.
///
/// The level's file defines LANES (4, 8 or 16) and the shuffles' index lists are written for any
/// of them: within each 128-bit part the same four-by-four exchange happens.
#ifndef QUERN_VECTOR_BLAKE3_H
#define QUERN_VECTOR_BLAKE3_H

#include "../blake3.h"

#include <string.h>

typedef uint32_t quad __attribute__((vector_size(16)));
typedef uint32_t word_lanes __attribute__((vector_size(4 * LANES)));

static inline word_lanes rotate_lanes(word_lanes words, int count) {
  return words >> count | words << (32 - count);
}

/// Bytes 16·part … 16·part + 15 of each message: part r of the result holds message 4·part + row.
static inline word_lanes gather_quads(const uint8_t *const *messages, int row, int offset) {
  word_lanes rows;
  for (int part = 0; part < LANES / 4; part++)
    memcpy((uint8_t *)&rows + 16 * part, messages[4 * part + row] + offset, 16);
  return rows;
}

#if LANES == 4
#define PER_PART(a, b, c, d) a, b, c, d
#elif LANES == 8
#define PER_PART(a, b, c, d) a, b, c, d, (a) + 4, (b) + 4, (c) + 4, (d) + 4
#else
#define PER_PART(a, b, c, d)                                                                   \
  a, b, c, d, (a) + 4, (b) + 4, (c) + 4, (d) + 4, (a) + 8, (b) + 8, (c) + 8, (d) + 8, (a) + 12, \
    (b) + 12, (c) + 12, (d) + 12
#endif

/// Interleaves, in each 128-bit part, the lower or upper two words of a and b.
#define LOWER_WORDS(a, b) __builtin_shufflevector(a, b, PER_PART(0, LANES, 1, LANES + 1))
#define UPPER_WORDS(a, b) __builtin_shufflevector(a, b, PER_PART(2, LANES + 2, 3, LANES + 3))
#define LOWER_PAIRS(a, b) __builtin_shufflevector(a, b, PER_PART(0, 1, LANES, LANES + 1))
#define UPPER_PAIRS(a, b) __builtin_shufflevector(a, b, PER_PART(2, 3, LANES + 2, LANES + 3))

/// One block of every message, word by word.
static inline void load_block(const uint8_t *const *messages, size_t offset,
                              word_lanes words[16]) {
  for (int quarter = 0; quarter < 4; quarter++) {
    int start = (int)offset + 16 * quarter;
    word_lanes a = gather_quads(messages, 0, start), b = gather_quads(messages, 1, start);
    word_lanes c = gather_quads(messages, 2, start), d = gather_quads(messages, 3, start);
    word_lanes ab = LOWER_WORDS(a, b), cd = LOWER_WORDS(c, d);
    word_lanes upper_ab = UPPER_WORDS(a, b), upper_cd = UPPER_WORDS(c, d);
    words[4 * quarter] = LOWER_PAIRS(ab, cd);
    words[4 * quarter + 1] = UPPER_PAIRS(ab, cd);
    words[4 * quarter + 2] = LOWER_PAIRS(upper_ab, upper_cd);
    words[4 * quarter + 3] = UPPER_PAIRS(upper_ab, upper_cd);
  }
}

static inline void mix_lanes(word_lanes *a, word_lanes *b, word_lanes *c, word_lanes *d,
                             word_lanes x, word_lanes y) {
  *a = *a + x + *b;
  *d = rotate_lanes(*d ^ *a, 16);
  *c += *d;
  *b = rotate_lanes(*b ^ *c, 12);
  *a = *a + y + *b;
  *d = rotate_lanes(*d ^ *a, 8);
  *c += *d;
  *b = rotate_lanes(*b ^ *c, 7);
}

static inline void round_lanes(word_lanes s[16], const word_lanes m[16], const uint8_t *order) {
  mix_lanes(s + 0, s + 4, s + 8, s + 12, m[order[0]], m[order[1]]);
  mix_lanes(s + 1, s + 5, s + 9, s + 13, m[order[2]], m[order[3]]);
  mix_lanes(s + 2, s + 6, s + 10, s + 14, m[order[4]], m[order[5]]);
  mix_lanes(s + 3, s + 7, s + 11, s + 15, m[order[6]], m[order[7]]);
  mix_lanes(s + 0, s + 5, s + 10, s + 15, m[order[8]], m[order[9]]);
  mix_lanes(s + 1, s + 6, s + 11, s + 12, m[order[10]], m[order[11]]);
  mix_lanes(s + 2, s + 7, s + 8, s + 13, m[order[12]], m[order[13]]);
  mix_lanes(s + 3, s + 4, s + 9, s + 14, m[order[14]], m[order[15]]);
}

/// Compresses one full block of every lane into its chaining value.
static inline void compress_lanes(word_lanes value[8], const word_lanes message[16],
                                  word_lanes counter_low, word_lanes counter_high,
                                  uint32_t flags) {
  word_lanes zero = {0}, state[16];
  for (int i = 0; i < 8; i++) state[i] = value[i];
  for (int i = 0; i < 4; i++) state[i + 8] = zero + blake3_iv[i];
  state[12] = counter_low;
  state[13] = counter_high;
  state[14] = zero + BLAKE3_BLOCK;
  state[15] = zero + flags;
  // Written out: the order has to be constant for the state to stay in registers.
  round_lanes(state, message, blake3_schedule[0]);
  round_lanes(state, message, blake3_schedule[1]);
  round_lanes(state, message, blake3_schedule[2]);
  round_lanes(state, message, blake3_schedule[3]);
  round_lanes(state, message, blake3_schedule[4]);
  round_lanes(state, message, blake3_schedule[5]);
  round_lanes(state, message, blake3_schedule[6]);
  for (int i = 0; i < 8; i++) value[i] = state[i] ^ state[i + 8];
}

/// Chaining values of `count` (at most LANES) messages of `blocks` blocks that lie `stride` bytes
/// apart. Lanes beyond the count repeat the last message.
static void hash_lanes(const uint8_t *bytes, size_t stride, size_t count, int blocks,
                       uint64_t counter, uint32_t flags, uint32_t start, uint32_t end,
                       blake3_value *values) {
  const uint8_t *messages[LANES];
  word_lanes zero = {0}, counter_low = zero, counter_high = zero, value[8], message[16];
  for (size_t lane = 0; lane < LANES; lane++) {
    messages[lane] = bytes + stride * (lane < count ? lane : count - 1);
    uint64_t number = flags & BLAKE3_PARENT ? 0 : counter + lane;
    counter_low[lane] = (uint32_t)number;
    counter_high[lane] = (uint32_t)(number >> 32);
  }
  for (int i = 0; i < 8; i++) value[i] = zero + blake3_iv[i];
  for (int block = 0; block < blocks; block++) {
    uint32_t now = flags | (block == 0 ? start : 0) | (block == blocks - 1 ? end : 0);
    load_block(messages, (size_t)block * BLAKE3_BLOCK, message);
    compress_lanes(value, message, counter_low, counter_high, now);
  }
  for (size_t lane = 0; lane < count; lane++)
    for (int i = 0; i < 8; i++) values[lane].words[i] = value[i][lane];
}

/// Chunks hashed before their tree is joined: their values take 8 KiB.
enum { RUN_HEIGHT = 8, RUN_CHUNKS = 1 << RUN_HEIGHT };

/// Halves `count` chaining values (a power of two) until one is left.
static blake3_value join_values(blake3_value *values, size_t count) {
  while (count > 1) {
    count /= 2;
    for (size_t done = 0; done < count; done += LANES) {
      size_t now = count - done < LANES ? count - done : LANES;
      blake3_value parents[LANES];
      hash_lanes((const uint8_t *)(values + 2 * done), BLAKE3_BLOCK, now, 1, 0, BLAKE3_PARENT, 0,
                 0, parents);
      memcpy(values + done, parents, now * sizeof parents[0]);
    }
  }
  return values[0];
}

/// Takes up to RUN_CHUNKS whole chunks that more bytes follow.
static void add_run(blake3_hasher *hasher, const uint8_t *bytes, size_t chunks) {
  blake3_value values[RUN_CHUNKS];
  for (size_t done = 0; done < chunks; done += LANES) {
    size_t now = chunks - done < LANES ? chunks - done : LANES;
    hash_lanes(bytes + done * BLAKE3_CHUNK, BLAKE3_CHUNK, now, BLAKE3_CHUNK_BLOCKS,
               hasher->chunks + done, 0, BLAKE3_CHUNK_START, BLAKE3_CHUNK_END, values + done);
  }
  // Subtrees by falling size, so that each starts at a multiple of its size.
  size_t joined = 0;
  for (int height = RUN_HEIGHT; height >= 0; height--) {
    size_t size = (size_t)1 << height;
    if (chunks - joined < size) continue;
    quern_blake3_hasher_add_subtree(hasher, join_values(values + joined, size), height);
    joined += size;
  }
}

static void blake3(const void *bytes, size_t byte_count, uint8_t digest[32]) {
  const uint8_t *rest = bytes;
  blake3_hasher hasher;
  quern_blake3_hasher_start(&hasher);
  // The last byte always stays outside: only the end of the message may make the root.
  while (byte_count > BLAKE3_CHUNK) {
    size_t chunks = (byte_count - 1) / BLAKE3_CHUNK;
    if (chunks > RUN_CHUNKS) chunks = RUN_CHUNKS;
    add_run(&hasher, rest, chunks);
    rest += chunks * BLAKE3_CHUNK;
    byte_count -= chunks * BLAKE3_CHUNK;
  }
  quern_blake3_hasher_update(&hasher, rest, byte_count);
  quern_blake3_hasher_finish(&hasher, digest);
}

#endif
