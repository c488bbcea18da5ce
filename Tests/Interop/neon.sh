#!/bin/sh
# Builds the kernels for arm64 and compares the NEON level with the scalar definition under QEMU.
# Needs clang and, on Debian, the packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross
# qemu-user-static. Correctness only: nothing about QEMU's speed means anything.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
cd "$root/Sources/CKernels"
sources="$(echo ./*.c ./*/*.c) $root/Tests/Interop/levels.c"
for source in $sources; do
  ${CLANG:-clang} --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include -std=gnu11 \
    -O2 -Wall -Wextra -Werror -I include -c "$source" -o "$build/o$(echo "$source" | tr / _).o"
done
aarch64-linux-gnu-gcc -static "$build"/*.o -lm -o "$build/levels"
qemu-aarch64-static "$build/levels"
