"""An independent statement of the ascend folder: what vllm-ascend looks for, in numpy.

Written from the format's description alone. `Folder` reads one; `contract` says which tensors a matrix of a
type has; `decode` and `nz` say what their bytes mean.
"""

import json

import ml_dtypes
import numpy as np
import safetensors

GLOBALS = {"version": "1.0.0", "group_size": 0, "metadata": {}}
_TYPES = {"F32": np.float32, "BF16": ml_dtypes.bfloat16, "I8": np.int8, "I32": np.int32, "F16": np.float16}
RUNS = 16  # of a row that may be cut among devices, each with a correction of its own


class Folder:
    """Everything of a folder: arrays, description, configuration."""

    def __init__(self, path):
        self.path = path
        self.files = sorted(file.name for file in path.glob("*.safetensors"))
        self.arrays, self.homes = {}, {}
        for name in self.files:
            for key, array in read(path / name).items():
                assert key not in self.arrays, f"{key} is in two files"
                self.arrays[key], self.homes[key] = array, name
        self.description = json.loads((path / "quant_model_description.json").read_text())
        self.config = json.loads((path / "config.json").read_text())
        self.index = json.loads((path / "quant_model_weights.safetensors.index.json").read_text())
        certificate = json.loads((path / "quern-certificate.json").read_text())
        self.rows = {row["name"]: row for row in certificate["tensors"]}

    @property
    def types(self):
        return {name: self.description.get(name) for name in self.arrays}

    def part(self, weight, leaf):
        return self.arrays[weight.removesuffix("weight") + leaf]


def read(path):
    """The arrays of one file, by name."""
    arrays = {}
    for name, entry in safetensors.deserialize(path.read_bytes()):
        array = np.frombuffer(bytes(entry["data"]), dtype=_TYPES[entry["dtype"]])
        arrays[name] = array.reshape(entry["shape"])
    return arrays


def header(path):
    data = path.read_bytes()
    return json.loads(data[8:8 + int.from_bytes(data[:8], "little")])


def contract(kind, rows, columns, row_parallel):
    """{leaf: (type, shape)} of a matrix [rows, columns]."""
    one = (np.float32, (rows, 1))
    if kind == "W8A8_DYNAMIC":
        return {"weight": (np.int8, (rows, columns)), "weight_scale": one, "weight_offset": one}
    assert kind == "W4A8_DYNAMIC", f"type {kind}"
    runs = RUNS if row_parallel else 1
    return {"weight": (np.int8, (rows // 2, columns)), "weight_scale": one, "weight_offset": one,
            "scale_bias": (np.float32, (rows, runs))}


def codes(folder, weight, kind):
    """Signed codes [rows, columns]. Byte [i, k] of four bits has row 2i in its low half."""
    stored = folder.part(weight, "weight")
    if kind == "W8A8_DYNAMIC":
        return stored
    low, high = (stored << 4) >> 4, stored >> 4
    return np.stack([low, high], axis=1).reshape(-1, stored.shape[1])


def decode(folder, weight, kind):
    return codes(folder, weight, kind).astype(np.float32) * folder.part(weight, "weight_scale")


def correction(folder, weight, kind, runs):
    """8 · Σ code · scale over each run of a row, in float64."""
    products = codes(folder, weight, kind).astype(np.float64) * folder.part(weight, "weight_scale")
    return 8 * products.reshape(len(products), runs, -1).sum(2)


def nz(matrix):
    """FRACTAL_NZ of bytes [H, W]: blocks of 16 × 32, column of blocks by column of blocks."""
    height, width = matrix.shape
    padded = np.zeros((-(-height // 16) * 16, -(-width // 32) * 32), np.int8)
    padded[:height, :width] = matrix
    return padded.reshape(padded.shape[0] // 16, 16, padded.shape[1] // 32, 32).transpose(2, 0, 1, 3)


def to_bf16_up(scale):
    """The smallest number of BF16 that is not below a positive float32."""
    bits = np.ascontiguousarray(scale, np.float32).view(np.uint32)
    return ((bits + np.uint32(0xFFFF)) & np.uint32(0xFFFF0000)).view(np.float32)


def absmax_error(values, bits):
    """Squared error of the rule that takes a row's scale from its largest magnitude."""
    most = 2 ** (bits - 1) - 1
    scale = to_bf16_up(np.abs(values).max(1, keepdims=True) / np.float32(most))
    scale[scale == 0] = 1
    found = np.clip(np.rint(values / scale), -most - 1, most) * scale
    return float(((found.astype(np.float64) - values) ** 2).sum())
