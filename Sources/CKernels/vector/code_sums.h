/// Sums of four products of codes in each of sixteen lanes, for 64 codes at a time. All of it is exact.
#ifndef QUERN_CODE_SUMS_H
#define QUERN_CODE_SUMS_H

#include "lanes16.h"

#if defined(QUERN_VNNI)
// The instruction multiplies unsigned by signed: x counts as x + 128, and sums begin at −128 · Σ w.
typedef __m512i codes64;
static inline codes64 load_codes(const int8_t *codes) { return _mm512_loadu_si512(codes); }
static inline codes64 load_left_codes(const int8_t *codes) {
  return _mm512_xor_si512(load_codes(codes), _mm512_set1_epi8((char)0x80));
}
static inline ints16 first_sums(codes64 w) {
  __m512i bias = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8((char)0x80), w);
  return -(ints16)bias;
}
static inline ints16 sums_of_four(ints16 first, codes64 x, codes64 w) {
  return (ints16)_mm512_dpbusd_epi32((__m512i)first, x, w);
}

#elif defined(__x86_64__) && LANES == 16
typedef __m512i codes64;
static inline codes64 load_codes(const int8_t *codes) { return _mm512_loadu_si512(codes); }
/// |w| · ±x in pairs, which sixteen bits hold: |w| is at most 128 and |x| at most 127.
static inline ints16 sums_of_four(ints16 first, codes64 x, codes64 w) {
  __m512i signed_x = _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(w), _mm512_setzero_si512(), x);
  __m512i pairs = _mm512_maddubs_epi16(_mm512_abs_epi8(w), signed_x);
  return first + (ints16)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
}

#elif defined(__x86_64__)
typedef struct codes64 {
  __m256i halves[2];
} codes64;
static inline codes64 load_codes(const int8_t *codes) {
  return (codes64){{_mm256_loadu_si256((const __m256i *)codes),
                    _mm256_loadu_si256((const __m256i *)(codes + 32))}};
}
/// |w| · ±x in pairs, which sixteen bits hold: |w| is at most 128 and |x| at most 127.
static inline ints16 sums_of_four(ints16 first, codes64 x, codes64 w) {
  __m256i sums[2];
  for (int half = 0; half < 2; half++) {
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w.halves[half]),
                                         _mm256_sign_epi8(x.halves[half], w.halves[half]));
    sums[half] = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
  }
  ints16 all;
  memcpy(&all, sums, sizeof all);
  return first + all;
}

#else
typedef struct codes64 {
  int8x16_t parts[4];
} codes64;
static inline codes64 load_codes(const int8_t *codes) {
  return (codes64){{vld1q_s8(codes), vld1q_s8(codes + 16), vld1q_s8(codes + 32),
                    vld1q_s8(codes + 48)}};
}
static inline ints16 sums_of_four(ints16 first, codes64 x, codes64 w) {
  int32x4_t sums[4];
  for (int part = 0; part < 4; part++) {
#if defined(__ARM_FEATURE_DOTPROD)
    sums[part] = vdotq_s32(vdupq_n_s32(0), x.parts[part], w.parts[part]);
#else
    int32x4_t low =
      vpaddlq_s16(vmull_s8(vget_low_s8(x.parts[part]), vget_low_s8(w.parts[part])));
    sums[part] = vpaddq_s32(low, vpaddlq_s16(vmull_high_s8(x.parts[part], w.parts[part])));
#endif
  }
  ints16 all;
  memcpy(&all, sums, sizeof all);
  return first + all;
}
#endif

#if !defined(QUERN_VNNI)
static inline codes64 load_left_codes(const int8_t *codes) { return load_codes(codes); }
static inline ints16 first_sums(codes64 w) {
  (void)w;
  return (ints16){0};
}
#endif

#endif
