#pragma STDC FP_CONTRACT OFF

#include "include/quern_kernels.h"

quern_scale_counts quern_scan_f16_scales(const uint8_t *blocks, size_t block_bytes,
                                         size_t block_count) {
  quern_scale_counts counts = {.first_non_finite = block_count};
  for (size_t i = 0; i < block_count; i++, blocks += block_bytes) {
    unsigned magnitude = (blocks[0] | (unsigned)blocks[1] << 8) & 0x7fff;
    counts.zero_blocks += magnitude == 0;
    counts.subnormal_scales += magnitude != 0 && magnitude < 0x0400;
    if (magnitude >= 0x7c00 && counts.first_non_finite == block_count) counts.first_non_finite = i;
  }
  return counts;
}
