/// How codes of integers become bytes and back. Pointers need no alignment.
#ifndef QUERN_INTEGERS_H
#define QUERN_INTEGERS_H

#include <stddef.h>
#include <stdint.h>

/// Two rows of `length` codes, −8 … 7, to one of bytes: the first in the low half.
void quern_pack_row_pair(const int8_t *rows, size_t length, uint8_t *bytes);
/// The inverse: two rows, one after the other.
void quern_unpack_row_pair(const uint8_t *bytes, size_t length, int8_t *rows);

/// Code + 2^(bits − 1) of a row in little-endian words of 32 bits, the first in the lowest; the last
/// word is filled with zeros. `bits` is 4 or 8.
void quern_pack_words(const int8_t *codes, size_t length, int bits, uint8_t *bytes);
/// The inverse.
void quern_unpack_words(const uint8_t *bytes, size_t length, int bits, int8_t *codes);

/// The sum of codes.
int64_t quern_sum_codes(const int8_t *codes, size_t count);

#endif
