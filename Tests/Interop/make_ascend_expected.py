#!/usr/bin/env python3
"""Decodes the weights of an ascend folder by numpy alone and prints them as checksums.

    make_ascend_expected.py testdata/ascend/sample-w4a8 > testdata/ascend/sample-w4a8.json
"""

import json
import pathlib
import struct
import sys

import numpy as np

from checksums import checksum

TYPES = {"F32": "<f4", "I8": "i1"}


def tensors(folder):
    for path in sorted(folder.glob("*.safetensors")):
        data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        for name, entry in json.loads(data[8:8 + length]).items():
            if entry.get("dtype") in TYPES:
                first, end = (8 + length + offset for offset in entry["data_offsets"])
                array = np.frombuffer(data[first:end], TYPES[entry["dtype"]])
                yield name, array.reshape(entry["shape"])


def codes(packed, kind):
    """Of two rows that share bytes, the even one is in the low halves."""
    if kind != "W4A8_DYNAMIC":
        return packed
    octets = packed.view(np.uint8)
    rows = np.stack([octets & 15, octets >> 4], axis=1).astype(np.int8)
    return np.where(rows > 7, rows - 16, rows).reshape(-1, packed.shape[1])


def main():
    folder = pathlib.Path(sys.argv[1])
    kinds = json.loads((folder / "quant_model_description.json").read_text())
    stored = dict(tensors(folder))
    expected = {}
    for name, kind in kinds.items():
        if not name.endswith(".weight") or kind == "FLOAT":
            continue
        values = codes(stored[name], kind).astype(np.float32) * stored[name + "_scale"]
        expected[name] = {"shape": list(values.shape), "f32": checksum(values.view(np.uint32))}
    print(json.dumps(expected, indent=1))


if __name__ == "__main__":
    main()
