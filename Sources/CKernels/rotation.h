/// What all instances of the rotation kernels have in common.
#ifndef QUERN_ROTATION_H
#define QUERN_ROTATION_H

/// Elements of a block.
enum { QUERN_ROTATION_BLOCK = 32 };

/// 1/√32, the nearest float32.
#define QUERN_ROTATION_FACTOR 0x1.6a09e6p-3f

#endif
