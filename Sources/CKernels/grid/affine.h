/// Steps with a minimum on the FP4 grid, four bits: value = step · q − minimum, q from 0 to 15, in
/// units of a run of 32.
#ifndef QUERN_GRID_AFFINE_H
#define QUERN_GRID_AFFINE_H

#include <math.h>

#include "histogram.h"
#include "values.h"

/// The doubled codes of a run by what they weigh: those that occur, zeros together.
typedef struct affine_run {
  int count, lowest, highest;
  float values[15], weights[15];
} affine_run;

static inline affine_run affine_run_of(const uint8_t *packed, const float *weights,
                                       float normaliser) {
  float sums[16] = {0};
  uint32_t present = 0;
  for (int k = 0; k < BLOCK_ELEMENTS; k++) {
    uint8_t code = packed_code(packed, k);
    sums[code] += normaliser == 0 ? 1.0f : weights[k] * normaliser;
    present |= 1u << code;
  }
  sums[0] += sums[8];
  present = (present & ~256u) | (present >> 8 & 1);
  affine_run run = {.lowest = 12, .highest = -12};
  for (int code = 0; code < 16; code++) {
    if (!(present >> code & 1)) continue;
    int value = e2m1_doubled[code];
    run.lowest = value < run.lowest ? value : run.lowest;
    run.highest = value > run.highest ? value : run.highest;
    run.values[run.count] = (float)value;
    run.weights[run.count++] = sums[code];
  }
  return run;
}

/// Sixteen steps and minima to try at once.
enum { TRIALS = 16 };
typedef struct affine_trials {
  float steps[TRIALS], minima[TRIALS];
} affine_trials;

/// The best of some trials: its step, minimum and weighted squared error.
typedef struct affine_fit {
  float step, minimum, error;
} affine_fit;

/// Takes the trial of least error if it is smaller than that of `best`.
static inline void try_steps(const affine_run *run, const affine_trials *trials,
                             affine_fit *best) {
  float errors[TRIALS] = {0}, inverses[TRIALS];
  for (int t = 0; t < TRIALS; t++) inverses[t] = 1 / trials->steps[t];
  for (int i = 0; i < run->count; i++) {
    float value = run->values[i], weight = run->weights[i];
    for (int t = 0; t < TRIALS; t++) {
      float place = value + trials->minima[t];
      // Adding and subtracting 1.5 · 2^23 rounds to an integer.
      float code = (place * inverses[t] + 0x1.8p23f) - 0x1.8p23f;
      code = code < 0 ? 0 : code;
      code = code > 15 ? 15 : code;
      float error = place - trials->steps[t] * code;
      errors[t] += weight * (error * error);
    }
  }
  for (int t = 0; t < TRIALS; t++)
    if (errors[t] < best->error)
      *best = (affine_fit){trials->steps[t], trials->minima[t], errors[t]};
}

/// The step and minimum under which a run is exact: of 1 unit where the values span at most 15,
/// else of 2 or 3 where all are multiples of it. Minima are at least `floor`.
static inline bool find_exact(const affine_run *run, int floor, affine_fit *fit) {
  for (int step = 1; step <= 3; step++) {
    bool multiples = true;
    for (int i = 0; i < run->count; i++) multiples &= (int)run->values[i] % step == 0;
    int minimum = -run->lowest < floor ? floor : -run->lowest;
    if (!multiples || minimum % step != 0 || run->highest + minimum > 15 * step) continue;
    *fit = (affine_fit){(float)step, (float)minimum, 0};
    return true;
  }
  return false;
}

/// Tries steps from 1 to 2 units by sixteenths, and 3, each with sixteen minima by quarters: around
/// the one that leaves as much room, or cuts off as much, above the highest value as below the
/// lowest, but at most half a step.
static inline affine_fit fit_on_lattice(const affine_run *run, int floor) {
  affine_fit best = {1, 0, INFINITY};
  if (find_exact(run, floor, &best)) return best;
  float span = (float)(run->highest - run->lowest);
  for (int sixteenths = 16; sixteenths <= 48; sixteenths += sixteenths < 32 ? 1 : 16) {
    affine_trials trials;
    float step = (float)sixteenths / 16, room = 15 * step - span;
    if (room < -4) continue;
    float middle = (room < step ? room : step) / 2 - (float)run->lowest;
    float first = rintf(4 * middle) / 4 - TRIALS / 8;
    if (first < (float)floor) first = (float)floor;
    for (int t = 0; t < TRIALS; t++) {
      trials.steps[t] = step;
      trials.minima[t] = first + (float)t / 4;
    }
    try_steps(run, &trials, &best);
  }
  return best;
}

/// The code of a value: the nearest, to even on ties.
static inline uint8_t affine_code(float value, float step, float minimum) {
  float code = ((value + minimum) / step + 0x1.8p23f) - 0x1.8p23f;
  return (uint8_t)(code < 0 ? 0 : code > 15 ? 15 : code);
}

#endif
