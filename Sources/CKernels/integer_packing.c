#pragma STDC FP_CONTRACT OFF

#include "include/quern_integers.h"

static int8_t signed_nibble(unsigned nibble) { return (int8_t)((int)(nibble ^ 8) - 8); }

void quern_pack_row_pair(const int8_t *rows, size_t length, uint8_t *bytes) {
  const uint8_t *even = (const uint8_t *)rows, *odd = even + length;
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)((even[i] & 15) | odd[i] << 4);
}

void quern_unpack_row_pair(const uint8_t *bytes, size_t length, int8_t *rows) {
  for (size_t i = 0; i < length; i++) {
    rows[i] = signed_nibble(bytes[i] & 15u);
    rows[length + i] = signed_nibble(bytes[i] >> 4);
  }
}

/// Two codes to a byte: little-endian words of eight are four such bytes.
static void pack_nibbles(const int8_t *codes, size_t length, uint8_t *bytes) {
  const uint8_t *pairs = (const uint8_t *)codes;
  for (size_t j = 0; j < length / 2; j++)
    bytes[j] = (uint8_t)(((pairs[2 * j] & 15) | pairs[2 * j + 1] << 4) ^ 0x88);
  if (length % 2) bytes[length / 2] = (uint8_t)((pairs[length - 1] & 15) ^ 8);
}

void quern_pack_words(const int8_t *codes, size_t length, int bits, uint8_t *bytes) {
  size_t used = bits == 4 ? (length + 1) / 2 : length;
  if (bits == 4) {
    pack_nibbles(codes, length, bytes);
  } else {
    for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)codes[i] ^ 0x80;
  }
  for (size_t j = used; j < (used + 3) / 4 * 4; j++) bytes[j] = 0;
}

void quern_unpack_words(const uint8_t *bytes, size_t length, int bits, int8_t *codes) {
  if (bits == 8) {
    for (size_t i = 0; i < length; i++) codes[i] = (int8_t)(bytes[i] ^ 0x80);
    return;
  }
  for (size_t j = 0; j < length / 2; j++) {
    codes[2 * j] = (int8_t)((bytes[j] & 15) - 8);
    codes[2 * j + 1] = (int8_t)((bytes[j] >> 4) - 8);
  }
  if (length % 2) codes[length - 1] = (int8_t)((bytes[length / 2] & 15) - 8);
}

int64_t quern_sum_codes(const int8_t *codes, size_t count) {
  int64_t total = 0;
  // Sums of so few fit in 32 bits, of which four times as many are added at once.
  for (size_t start = 0; start < count; start += 1 << 20) {
    size_t end = count - start < 1 << 20 ? count : start + (1 << 20);
    int32_t sum = 0;
    for (size_t i = start; i < end; i++) sum += codes[i];
    total += sum;
  }
  return total;
}
