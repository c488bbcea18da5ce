/// IQ4_NL and IQ4_XS from the FP4 grid: the best step of a run of 32 under the table of sixteen
/// values.
///
/// From a huge step down to 0 each code of the grid moves outwards through the table, one value at
/// a time, when the step falls below its size over the midpoint of two values. Between two such
/// events the error is a parabola in the step: with a = Σ w·v·t and b = Σ w·t² its vertex a/b saves
/// a²/b of the signal. Going through all events finds the step of least error over all real numbers.
#ifndef QUERN_GRID_IQ4_H
#define QUERN_GRID_IQ4_H

#include "histogram.h"
#include "values.h"

/// A code that moves, and what it adds to a and b for each of its weight.
typedef struct iq4_event {
  int code;
  double a, b;
} iq4_event;

/// In the order of falling positive steps. Under negative steps a code moves when its negative
/// would. The last event is none.
enum { IQ4_EVENTS = 105, IQ4_LANES = 8, IQ4_STATES = 112 };
static const iq4_event iq4_events[IQ4_EVENTS + 1] = {
  {15, 132, 99}, {14, 88, 99}, {7, 144, 168}, {13, 66, 99}, {6, 96, 168}, {12, 44, 99},
  {5, 72, 168}, {15, 144, 384}, {11, 33, 99}, {7, 144, 456}, {4, 48, 168}, {14, 96, 384},
  {10, 22, 99}, {3, 36, 168}, {6, 96, 456}, {15, 156, 741}, {7, 156, 819}, {13, 72, 384},
  {5, 72, 456}, {2, 24, 168}, {15, 168, 1176}, {14, 104, 741}, {7, 180, 1365}, {6, 104, 819},
  {12, 48, 384}, {9, 11, 99}, {4, 48, 456}, {13, 78, 741}, {15, 192, 1824}, {7, 192, 1952},
  {5, 78, 819}, {14, 112, 1176}, {11, 36, 384}, {6, 120, 1365}, {15, 216, 2664}, {3, 36, 456},
  {7, 240, 3160}, {1, 12, 168}, {13, 84, 1176}, {12, 52, 741}, {14, 128, 1824}, {5, 90, 1365},
  {6, 128, 1952}, {15, 252, 3927}, {4, 52, 819}, {10, 24, 384}, {7, 288, 4848}, {14, 144, 2664},
  {2, 24, 456}, {11, 39, 741}, {13, 96, 1824}, {15, 276, 5313}, {6, 160, 3160}, {5, 96, 1952},
  {3, 39, 819}, {12, 56, 1176}, {4, 60, 1365}, {14, 168, 3927}, {13, 108, 2664}, {6, 192, 4848},
  {5, 120, 3160}, {11, 42, 1176}, {10, 26, 741}, {12, 64, 1824}, {14, 184, 5313}, {3, 45, 1365},
  {4, 64, 1952}, {13, 126, 3927}, {2, 26, 819}, {9, 12, 384}, {5, 144, 4848}, {12, 72, 2664},
  {1, 12, 456}, {11, 48, 1824}, {13, 138, 5313}, {4, 80, 3160}, {3, 48, 1952}, {10, 28, 1176},
  {2, 30, 1365}, {12, 84, 3927}, {11, 54, 2664}, {4, 96, 4848}, {3, 60, 3160}, {9, 13, 741},
  {10, 32, 1824}, {12, 92, 5313}, {2, 32, 1952}, {11, 63, 3927}, {1, 13, 819}, {3, 72, 4848},
  {10, 36, 2664}, {11, 69, 5313}, {2, 40, 3160}, {9, 14, 1176}, {1, 15, 1365}, {10, 42, 3927},
  {2, 48, 4848}, {9, 16, 1824}, {10, 46, 5313}, {1, 16, 1952}, {9, 18, 2664}, {1, 20, 3160},
  {9, 21, 3927}, {1, 24, 4848}, {9, 23, 5313},
};

/// a and b before the first event and after each, for steps of one sign.
typedef struct iq4_sums {
  double a[IQ4_STATES], b[IQ4_STATES];
} iq4_sums;

/// Goes through the events with the sums of codes. A negative step sees their signs changed. The
/// states beyond the last event repeat it.
static inline void iq4_sweep(const float sums[16], iq4_sums *positive, iq4_sums *negative) {
  double weights[16], a[2] = {0, 0}, b = 0;
  for (int code = 0; code < 16; code++) {
    weights[code] = (double)sums[code];
    // The step is so large that all codes take the table's 1.
    a[0] += weights[code] * e2m1_doubled[code];
    b += weights[code];
  }
  a[1] = -a[0];
  double both[2] = {b, b};
  for (int i = 0; i < IQ4_STATES; i++) {
    positive->a[i] = a[0], positive->b[i] = both[0];
    negative->a[i] = a[1], negative->b[i] = both[1];
    const iq4_event *event = iq4_events + (i < IQ4_EVENTS ? i : IQ4_EVENTS);
    double plus = weights[event->code], minus = weights[event->code ^ 8];
    a[0] += plus * event->a, both[0] += plus * event->b;
    a[1] += minus * event->a, both[1] += minus * event->b;
  }
}

/// The state of the largest saving a²/b, the first of equals; a step has the sign that it says.
static inline int iq4_best_state(const iq4_sums *sums, double *saved) {
  double best[IQ4_LANES] = {0};
  int32_t states[IQ4_LANES] = {0}, state = 0;
  for (int i = 0; i < IQ4_STATES; i += IQ4_LANES) {
    for (int l = 0; l < IQ4_LANES; l++) {
      double a = sums->a[i + l] > 0 ? sums->a[i + l] : 0, saving = a * a / sums->b[i + l];
      bool larger = saving > best[l];
      best[l] = larger ? saving : best[l];
      states[l] = larger ? i + l : states[l];
    }
  }
  *saved = 0;
  for (int l = 0; l < IQ4_LANES; l++) {
    if (best[l] < *saved || (best[l] == *saved && states[l] > state)) continue;
    *saved = best[l];
    state = states[l];
  }
  return state;
}

/// The step of least error, in units, with its sign.
static inline float iq4_best_step(const float sums[16]) {
  iq4_sums positive, negative;
  double saved, negative_saved;
  iq4_sweep(sums, &positive, &negative);
  int state = iq4_best_state(&positive, &saved);
  int negative_state = iq4_best_state(&negative, &negative_saved);
  if (negative_saved > saved)
    return (float)(-negative.a[negative_state] / negative.b[negative_state]);
  return (float)(positive.a[state] / positive.b[state]);
}

/// The code of each FP4 code under a step in units: the nearest value of the table, the smaller of
/// two as near.
static inline void iq4_codes_under(float step, uint8_t codes[16]) {
  for (int code = 0; code < 16; code++) {
    float place = (float)e2m1_doubled[code] / step;
    int nearest = 0;
    for (int i = 0; i < 15; i++)
      nearest += place > (float)(iq4_values[i] + iq4_values[i + 1]) * 0.5f;
    codes[code] = (uint8_t)nearest;
  }
}

/// Scale bytes under which the steps that matter have at least six bits as F16: they are from
/// 1/127 to 12 units, and at least 1/12 where a 12 occurs.
enum { IQ4_NL_FIRST_BYTE = 117, IQ4_NL_LAST_BYTE = 139 };

/// Encodes a block of IQ4_NL; false where F16 has no good step.
static inline bool iq4_nl_block(const uint8_t *packed, uint8_t e, const float *weights,
                                uint8_t *block) {
  if (e < IQ4_NL_FIRST_BYTE || e > IQ4_NL_LAST_BYTE || all_zero(packed, PACKED_BYTES)) return false;
  float sums[16], unit = e2m1_unit(e);
  uint8_t codes[16];
  weigh_codes(packed, weights, sums);
  uint16_t d = f16_of_f32(iq4_best_step(sums) * unit);
  if ((d & 0x7fff) == 0) return false;
  iq4_codes_under(f32_of_f16(d) / unit, codes);
  store_u16(block, d);
  for (int k = 0; k < 16; k++)
    block[2 + k] =
      (uint8_t)(codes[packed_code(packed, k)] | codes[packed_code(packed, k + 16)] << 4);
  return true;
}

static inline void iq4_nl_blocks(const uint8_t *packed, const uint8_t *e8m0, const float *weights,
                                 uint8_t *blocks, size_t count, const quern_block_kernels *own) {
  for (size_t i = 0; i < count; i += BLOCK_ELEMENTS) {
    const float *block_weights = weights ? weights + i : NULL;
    if (!iq4_nl_block(packed, *e8m0, block_weights, blocks))
      block_from_values(own, packed, e8m0, block_weights, blocks, BLOCK_ELEMENTS);
    packed += PACKED_BYTES;
    blocks += IQ4_NL_BYTES;
    e8m0++;
  }
}

#endif
