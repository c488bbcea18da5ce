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

static inline quad load_quad(const uint8_t *bytes) {
  quad words;
  memcpy(&words, bytes, sizeof words);
  return words;
}

/// Sixteen bytes of each message in `row`, `row` + 4 …: part r of the result holds those of message
/// 4·r + row. Written as concatenations: a vector assembled in memory would be read back before its
/// parts have arrived there.
static inline word_lanes gather_quads(const uint8_t *const *messages, int row, size_t offset) {
  quad first = load_quad(messages[row] + offset);
#if LANES == 4
  return first;
#else
  quad second = load_quad(messages[4 + row] + offset);
#define EIGHT 0, 1, 2, 3, 4, 5, 6, 7
#if LANES == 8
  return __builtin_shufflevector(first, second, EIGHT);
#else
  quad third = load_quad(messages[8 + row] + offset);
  quad fourth = load_quad(messages[12 + row] + offset);
  return __builtin_shufflevector(__builtin_shufflevector(first, second, EIGHT),
                                 __builtin_shufflevector(third, fourth, EIGHT), EIGHT, 8, 9, 10, 11,
                                 12, 13, 14, 15);
#endif
#undef EIGHT
#endif
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
#pragma clang loop unroll(full)
  for (int quarter = 0; quarter < 4; quarter++) {
    size_t start = offset + 16 * (size_t)quarter;
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

/// Holds the compiler to the order of the source. Its own order, made for fewer registers, goes
/// through one column after the other and takes longer.
#if defined(__x86_64__)
#define KEEP_ORDER(words) __asm__ volatile("" : "+v"(words))
#else
#define KEEP_ORDER(words) __asm__ volatile("" : "+w"(words))
#endif

/// Half a round: the mixes of the four columns or, with a `turn` of 1, of the four diagonals. They
/// go forward side by side, so that no operation waits for the one before it.
static inline __attribute__((always_inline)) void mix_four(word_lanes s[16], int turn,
                                                           const word_lanes m[16],
                                                           const uint8_t *order) {
#define EACH(word, value)       \
  for (int i = 0; i < 4; i++) { \
    word = value;               \
    KEEP_ORDER(word);           \
  }
#define A s[i]
#define B s[4 + (i + turn) % 4]
#define C s[8 + (i + 2 * turn) % 4]
#define D s[12 + (i + 3 * turn) % 4]
  EACH(A, A + m[order[2 * i]])
  EACH(A, A + B)
  EACH(D, rotate_lanes(D ^ A, 16))
  EACH(C, C + D)
  EACH(B, rotate_lanes(B ^ C, 12))
  EACH(A, A + m[order[2 * i + 1]])
  EACH(A, A + B)
  EACH(D, rotate_lanes(D ^ A, 8))
  EACH(C, C + D)
  EACH(B, rotate_lanes(B ^ C, 7))
#undef EACH
#undef A
#undef B
#undef C
#undef D
}

static inline __attribute__((always_inline)) void round_lanes(word_lanes s[16],
                                                              const word_lanes m[16],
                                                              const uint8_t *order) {
  mix_four(s, 0, m, order);
  mix_four(s, 1, m, order + 8);
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

/// Turns words of all lanes into the lanes' values, by exchanges within 128-bit parts: part r of
/// row k of one half holds four words of lane 4·r + k.
static inline void store_values(const word_lanes words[8], blake3_value values[LANES]) {
#pragma clang loop unroll(full)
  for (int half = 0; half < 2; half++) {
    const word_lanes *w = words + 4 * half;
    word_lanes ab = LOWER_WORDS(w[0], w[1]), cd = LOWER_WORDS(w[2], w[3]);
    word_lanes upper_ab = UPPER_WORDS(w[0], w[1]), upper_cd = UPPER_WORDS(w[2], w[3]);
    word_lanes rows[4] = {LOWER_PAIRS(ab, cd), UPPER_PAIRS(ab, cd),
                          LOWER_PAIRS(upper_ab, upper_cd), UPPER_PAIRS(upper_ab, upper_cd)};
#pragma clang loop unroll(full)
    for (int lane = 0; lane < LANES; lane++)
      memcpy(values[lane].words + 4 * half, (uint32_t *)(rows + lane % 4) + lane / 4 * 4, 16);
  }
}

/// Chaining values of `count` (at most LANES) messages of `blocks` blocks that lie `stride` bytes
/// apart. Lanes beyond the count repeat the last message; their values are stored, too.
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
  store_values(value, values);
}

/// Chunks hashed before their tree is joined: their values take 32 KiB. LANES more have room for
/// what lanes beyond the count store.
enum { RUN_HEIGHT = 10, RUN_CHUNKS = 1 << RUN_HEIGHT, RUN_BYTES = RUN_CHUNKS * BLAKE3_CHUNK };

/// The values of up to RUN_CHUNKS chunks, of which the last may be short.
static size_t hash_chunks(const uint8_t *bytes, size_t byte_count, uint64_t number,
                          blake3_value values[RUN_CHUNKS + LANES]) {
  size_t chunks = byte_count / BLAKE3_CHUNK, rest = byte_count % BLAKE3_CHUNK;
  for (size_t done = 0; done < chunks; done += LANES) {
    size_t now = chunks - done < LANES ? chunks - done : LANES;
    hash_lanes(bytes + done * BLAKE3_CHUNK, BLAKE3_CHUNK, now, BLAKE3_CHUNK_BLOCKS, number + done,
               0, BLAKE3_CHUNK_START, BLAKE3_CHUNK_END, values + done);
  }
  if (rest == 0) return chunks;
  values[chunks] = quern_blake3_chunk_value(bytes + byte_count - rest, rest, number + chunks);
  return chunks + 1;
}

/// Joins pairs from the left until no more than `most` values are left. An odd last one is a right
/// sibling further up.
static size_t join_values(blake3_value *values, size_t count, size_t most) {
  while (count > most) {
    blake3_value last = values[count - 1];
    size_t pairs = count / 2;
    for (size_t done = 0; done < pairs; done += LANES) {
      size_t now = pairs - done < LANES ? pairs - done : LANES;
      hash_lanes((const uint8_t *)(values + 2 * done), BLAKE3_BLOCK, now, 1, 0, BLAKE3_PARENT, 0,
                 0, values + done);
    }
    if (count % 2 != 0) values[pairs] = last;
    count = pairs + count % 2;
  }
  return count;
}

static void blake3(const void *bytes, size_t byte_count, uint8_t digest[32]) {
  if (byte_count <= BLAKE3_CHUNK) {
    quern_scalar_blake3(bytes, byte_count, digest);
    return;
  }
  const uint8_t *rest = bytes;
  blake3_hasher hasher;
  blake3_value values[RUN_CHUNKS + LANES];
  quern_blake3_hasher_start(&hasher);
  for (; byte_count > RUN_BYTES; rest += RUN_BYTES, byte_count -= RUN_BYTES) {
    join_values(values, hash_chunks(rest, RUN_BYTES, hasher.chunks, values), 1);
    quern_blake3_hasher_add_subtree(&hasher, values[0], RUN_HEIGHT);
  }
  // Two are left, not one: the root, which is marked as such, may be their parent.
  size_t count = join_values(values, hash_chunks(rest, byte_count, hasher.chunks, values), 2);
  quern_blake3_hasher_finish_subtrees(&hasher, values, count, digest);
}

#endif
