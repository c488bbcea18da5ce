"""Block-format vectors from PyPI's gguf: what its encoders make of rows, and its decoders of bytes.

    pip install gguf==0.19.0 numpy safetensors
    python make_block_vectors.py block_vectors.safetensors

Arrays: encode.NAME.values f32 [blocks, 32] and encode.NAME.bytes u8 [blocks, size], for the formats
for which gguf has an encoder; decode.NAME.bytes u8 [blocks, size] and decode.NAME.values f32
[blocks, elements].
"""
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize, quantize
from safetensors.numpy import save_file

ENCODED = [GGMLQuantizationType[name] for name in "Q8_0 Q4_0 MXFP4 Q4_1 Q5_0 Q5_1".split()]
DECODED = ENCODED + [
    GGMLQuantizationType[name] for name in "IQ4_NL NVFP4 Q4_K Q5_K Q6_K IQ4_XS".split()
]
F16_SCALES = {
    "MXFP4": [], "NVFP4": [], "Q4_1": [0, 2], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2],
    "Q6_K": [208],
}  # fmt: skip
random = np.random.default_rng(5)


def below_power_of_two(exponent: int, ulps: int) -> np.float32:
    return (np.float32(2.0) ** exponent).view(np.uint32).__sub__(np.uint32(ulps)).view(np.float32)


def rows() -> np.ndarray:
    gaussian = random.standard_normal((192, 32)) * 2.0 ** random.integers(-100, 100, (192, 1))
    bf16 = random.standard_normal((64, 32)).astype(np.float32)
    bf16 = (bf16.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    ties = random.integers(-16, 17, (64, 32)) / 2.0
    ties[:, 7] = random.choice([-8.0, 8.0, 127.0, -127.0, 12.0], 64)
    outlier = random.standard_normal((8, 32))
    outlier[:, 3] = [1e38, -1e38, 3e38, 1e30, -1e30, 60000, -65504, 1e6]
    logarithms = np.zeros((96, 32), np.float32)
    for row, exponent in zip(logarithms, range(-48, 48)):
        row[:] = random.standard_normal(32) * 2.0 ** (exponent - 3)
        row[row.argmax()] = below_power_of_two(exponent, int(random.integers(1, 45)))
        row[np.abs(row) >= 2.0**exponent] = 0
    special = np.zeros((8, 32))
    special[1] = 1e-8
    special[2, 31] = 6e-8
    special[3] = -1
    special[4, ::2] = -0.0
    special[4, 1] = 1
    special[5] = 3.4028235e38
    special[6, :2] = [2, -2]
    special[7, :2] = [-2, 2]
    return np.concatenate([gaussian, bf16, ties, outlier, logarithms, special]).astype(np.float32)


def finite_bytes(format: GGMLQuantizationType) -> np.ndarray:
    elements, size = GGML_QUANT_SIZES[format]
    data = random.integers(0, 256, (256 if elements == 32 else 16, size), dtype=np.uint8)
    if format == GGMLQuantizationType.MXFP4:
        data[:, 0] = np.arange(256) % 252
    for offset in F16_SCALES.get(format.name, [0]):
        data[:, offset + 1] &= 0xBF  # an F16 exponent below 16
    return data


def determined(format: GGMLQuantizationType, values: np.ndarray) -> np.ndarray:
    """Without the blocks whose minimum is a zero of either sign: NumPy's choice is no rule."""
    if format.name not in ("Q4_1", "Q5_1"):
        return values
    return values[(values.min(1) != 0) | ~np.signbit(values).any(1)]


arrays = {}
values = rows()
for format in DECODED:
    if format in ENCODED:
        arrays[f"encode.{format.name}.values"] = determined(format, values)
        with np.errstate(all="ignore"):
            encoded = quantize(arrays[f"encode.{format.name}.values"], format)
        arrays[f"encode.{format.name}.bytes"] = encoded
    data = finite_bytes(format)
    arrays[f"decode.{format.name}.bytes"] = data
    arrays[f"decode.{format.name}.values"] = dequantize(data, format).astype(np.float32)
save_file(arrays, sys.argv[1])
