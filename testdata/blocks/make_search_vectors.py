"""Blocks that ggml's encoders made: those of the K and IQ formats, which search, and of NVFP4.

    python make_search_vectors.py libggml-base.so search_vectors.safetensors

The library is llama.cpp's, compiled without fused multiply-add (`-ffp-contract=off`): with it, a
third of Q5_K's blocks and a twentieth of Q4_K's come out differently. Needs numpy and safetensors.

Arrays: values f32 [64, 256]; NAME.bytes u8, what all of them become as one row of that format.
"""
import ctypes
import sys

import numpy as np
from safetensors.numpy import save_file

# ggml's type id, elements and bytes of a block.
FORMATS = {
    "IQ4_NL": (20, 32, 18), "NVFP4": (40, 64, 36), "Q4_K": (12, 256, 144), "Q5_K": (13, 256, 176),
    "Q6_K": (14, 256, 210), "IQ4_XS": (23, 256, 136),
}  # fmt: skip
random = np.random.default_rng(7)


def rows() -> np.ndarray:
    gaussian = random.standard_normal((24, 256)) * 2.0 ** random.integers(-40, 10, (24, 1))
    laplace = random.laplace(size=(12, 256)) / 50
    outliers = random.standard_normal((8, 256)) / 50
    outliers[np.arange(8), random.integers(0, 256, 8)] *= 200
    halves = random.integers(-16, 17, (6, 256)) / 2
    zeros = np.zeros((2, 256))
    zeros[1, 128:] = -0.0
    runs = random.standard_normal((4, 256))
    runs.reshape(4, 8, 32)[random.random((4, 8)) < 0.5] = 0
    constant = np.repeat(random.standard_normal((2, 8)), 32, axis=1)
    signs = np.abs(random.standard_normal((2, 256))) * [[1], [-1]]
    small = random.standard_normal((2, 256)) * [[1e-38], [1e-43]]
    mixed = random.standard_normal((2, 256)) * 2.0 ** random.integers(-60, 10, (2, 256))
    blocks = [gaussian, laplace, outliers, halves, zeros, runs, constant, signs, small, mixed]
    return np.concatenate(blocks).astype(np.float32)


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


library = ctypes.CDLL(sys.argv[1], mode=1)  # lazy binding
library.ggml_quantize_chunk.restype = ctypes.c_size_t
values = rows()
arrays = {"values": values}
for name, (type_id, elements, size) in FORMATS.items():
    encoded = np.zeros((values.size // elements, size), np.uint8)
    library.ggml_quantize_chunk(
        type_id, pointer(values), pointer(encoded), ctypes.c_int64(0), ctypes.c_int64(1),
        ctypes.c_int64(values.size), None)  # fmt: skip
    arrays[f"{name}.bytes"] = encoded
save_file(arrays, sys.argv[2])
