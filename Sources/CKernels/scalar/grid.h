/// The ten lattice steps that `q4_0_from_e2m1` chooses from, and what each costs.
#ifndef QUERN_GRID_H
#define QUERN_GRID_H

#include <stdint.h>

enum { LATTICE_STEPS = 10 };

/// Steps in halves of a unit, in the order in which ties are settled.
static const int8_t lattice_halves[LATTICE_STEPS] = {2, -2, 3, -3, 4, -4, 6, -6, 8, -8};

/// The Q4_0 code (0…15, meaning −8…7) of each FP4 code under each step: the nearest, to even on
/// ties, saturated.
static const uint8_t lattice_codes[LATTICE_STEPS][16] = {
  {8, 9, 10, 11, 12, 14, 15, 15, 8, 7, 6, 5, 4, 2, 0, 0},
  {8, 7, 6, 5, 4, 2, 0, 0, 8, 9, 10, 11, 12, 14, 15, 15},
  {8, 9, 9, 10, 11, 12, 13, 15, 8, 7, 7, 6, 5, 4, 3, 0},
  {8, 7, 7, 6, 5, 4, 3, 0, 8, 9, 9, 10, 11, 12, 13, 15},
  {8, 8, 9, 10, 10, 11, 12, 14, 8, 8, 7, 6, 6, 5, 4, 2},
  {8, 8, 7, 6, 6, 5, 4, 2, 8, 8, 9, 10, 10, 11, 12, 14},
  {8, 8, 9, 9, 9, 10, 11, 12, 8, 8, 7, 7, 7, 6, 5, 4},
  {8, 8, 7, 7, 7, 6, 5, 4, 8, 8, 9, 9, 9, 10, 11, 12},
  {8, 8, 8, 9, 9, 10, 10, 11, 8, 8, 8, 7, 7, 6, 6, 5},
  {8, 8, 8, 7, 7, 6, 6, 5, 8, 8, 8, 9, 9, 10, 10, 11},
};

/// Squared error of those codes, in quarters of unit².
static const uint8_t lattice_errors[LATTICE_STEPS][16] = {
  {0, 0, 0, 0, 0, 0, 4, 100, 0, 0, 0, 0, 0, 0, 0, 64},
  {0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 4, 100},
  {0, 1, 1, 0, 1, 0, 1, 9, 0, 1, 1, 0, 1, 0, 1, 0},
  {0, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1, 9},
  {0, 4, 0, 4, 0, 0, 0, 0, 0, 4, 0, 4, 0, 0, 0, 0},
  {0, 4, 0, 4, 0, 0, 0, 0, 0, 4, 0, 4, 0, 0, 0, 0},
  {0, 4, 4, 0, 4, 0, 4, 0, 0, 4, 4, 0, 4, 0, 4, 0},
  {0, 4, 4, 0, 4, 0, 4, 0, 0, 4, 4, 0, 4, 0, 4, 0},
  {0, 4, 16, 4, 0, 16, 0, 0, 0, 4, 16, 4, 0, 16, 0, 0},
  {0, 4, 16, 4, 0, 16, 0, 0, 0, 4, 16, 4, 0, 16, 0, 0},
};

#endif
