#!/usr/bin/env python3
"""Writes formats/integer-groups/spec.json: examples of groups of integers, by numpy alone.

With compressed-tensors and torch installed, also compares the decoded values with its `dequantize`,
and the words with its packing.
"""

import json
import pathlib
import sys

import ml_dtypes
import numpy as np

F32 = np.float32
SPEC = pathlib.Path(__file__).parents[2] / "formats" / "integer-groups" / "spec.json"
TYPES = {"f32": F32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}


def stored_up(scale, kind):
    """The least number of the type that is not below the scale."""
    stored = F32(TYPES[kind](scale))
    if stored >= scale:
        return stored
    raised = np.array(stored).astype(TYPES[kind]).view(np.uint16) + np.uint16(1)
    return F32(np.array(raised, np.uint16).view(TYPES[kind]))


def absmax(values, bits, group, kind, zero_points):
    least, most = (-8, 7) if bits == 4 else (-128 if zero_points else -127, 127)
    codes, scales, zeros = [], [], []
    for block in np.asarray(values, F32).reshape(-1, group):
        low, high = min(F32(0), block.min()), max(F32(0), block.max())
        steps = F32(most - least)
        wanted = high / steps - low / steps if zero_points else np.abs(block).max() / F32(most)
        scale = stored_up(F32(wanted), kind)
        inverse = F32(1) / scale if scale > 0 else F32(0)
        zero = F32(least) - np.rint(low * inverse) if zero_points else F32(0)
        code = np.clip(np.rint(block * inverse), least - zero, most - zero) + zero
        codes.append(code.astype(int))
        scales.append(float(scale))
        zeros.append(int(zero))
    return np.concatenate(codes).tolist(), scales, zeros if zero_points else []


def decoded(codes, scales, zeros, group):
    codes = np.asarray(codes).reshape(-1, group)
    zeros = np.asarray(zeros or [0] * len(scales)).reshape(-1, 1)
    return ((codes - zeros).astype(F32) * np.asarray(scales, F32).reshape(-1, 1)).ravel()


def compare_with_compressed_tensors(example):
    try:
        import torch
        from compressed_tensors.quantization.lifecycle.forward import dequantize
        from compressed_tensors.quantization import QuantizationArgs
    except ImportError:
        return False
    args = QuantizationArgs(
        num_bits=example["bits"], type="int", strategy="group", group_size=example["group"],
        symmetric=not example["zeroPoints"],
    )
    row = lambda values, kind: torch.tensor(values, dtype=kind).reshape(1, -1)
    theirs = dequantize(
        row(example["codes"], torch.int8), row(example["scales"], torch.float32),
        row(example["zeroPoints"], torch.int8) if example["zeroPoints"] else None, args=args,
    )
    ours = np.asarray(example["decoded"], F32)
    if not np.array_equal(theirs.numpy().ravel(), ours):
        sys.exit("compressed-tensors decodes another value: " + example["note"])
    return True


def row_pairs(codes):
    """Two rows of four bits to one of bytes, the even one in the low half."""
    rows = np.asarray(codes, np.int8)
    return ((rows[0::2] & 15) | (rows[1::2] << 4)).astype(np.uint8)


def words(codes, bits):
    """Codes + 2^(bits − 1) in little-endian words of 32 bits along the row, zeros after the last."""
    rows = np.asarray(codes, np.int64) + (1 << bits - 1)
    each = 32 // bits
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % each)))
    shifted = rows.reshape(len(rows), -1, each) << bits * np.arange(each)
    return shifted.sum(-1).astype("<u4").view(np.uint8)


def compare_packing_with_compressed_tensors(codes, bits, packed):
    """The library pads rows to whole words as this does, and takes the padding off by the shape."""
    try:
        import torch
        from compressed_tensors.compressors.pack_quantized.helpers import (
            pack_to_int32, unpack_from_int32)
    except ImportError:
        return False
    rows = torch.tensor(codes, dtype=torch.int8)
    theirs = pack_to_int32(rows, bits)
    if not np.array_equal(theirs.numpy().astype("<i4").view(np.uint8), packed):
        sys.exit("compressed-tensors packs other words")
    if not torch.equal(unpack_from_int32(theirs, bits, rows.shape), rows):
        sys.exit("compressed-tensors unpacks other codes")
    return True


def packed_rows(random):
    """Examples of each packing, and whether the library that has it agreed."""
    examples, compared = [], False
    for packing, bits, shape in (("bytes", 8, (2, 5)), ("row-pairs", 4, (4, 7)),
                                 ("words", 4, (2, 32)), ("words", 4, (3, 13)),
                                 ("words", 8, (2, 8)), ("words", 8, (2, 6))):
        least = -8 if bits == 4 else -127
        codes = random.integers(least, 2 ** (bits - 1), shape)
        codes[0, :2] = least, 2 ** (bits - 1) - 1
        if packing == "bytes":
            packed = codes.astype(np.int8).view(np.uint8)
        elif packing == "row-pairs":
            packed = row_pairs(codes)
        else:
            packed = words(codes, bits)
            compared = compare_packing_with_compressed_tensors(codes.tolist(), bits, packed)
        examples.append({"packing": packing, "bits": bits, "codes": codes.tolist(),
                         "bytes": packed.tobytes().hex()})
    return examples, compared


def main():
    random = np.random.default_rng(7)
    gauss = lambda count: (random.standard_normal(count) * 0.02).astype(F32)
    rows = [
        ("zeros: scale 0", 8, 32, "f32", False, np.zeros(32, F32)),
        ("halves round to even", 4, 32, "f32", False, np.arange(32) % 15 / F32(2) - F32(3.5) + np.where(np.arange(32) == 0, F32(10.5), F32(0))),
        ("an int8 row", 8, 64, "f32", False, gauss(64)),
        ("int8, scales rounded up to BF16", 8, 32, "bf16", False, gauss(64)),
        ("int4, scales rounded up to F16", 4, 32, "f16", False, gauss(64)),
        ("int4 with zero points", 4, 32, "bf16", True, gauss(64) + F32(0.01)),
        ("int8 with zero points, all values above 0", 8, 32, "f16", True, np.abs(gauss(32)) + F32(1)),
        ("int4 with zero points, all values below 0", 4, 32, "f32", True, -np.abs(gauss(32))),
    ]
    examples, compared = [], False
    for note, bits, group, kind, zero_points, values in rows:
        codes, scales, zeros = absmax(values, bits, group, kind, zero_points)
        example = {
            "note": note, "bits": bits, "group": group, "scaleType": kind,
            "values": np.asarray(values, F32).astype(float).tolist(), "codes": codes,
            "scales": scales, "zeroPoints": zeros,
            "decoded": decoded(codes, scales, zeros, group).astype(float).tolist(),
        }
        compared = compare_with_compressed_tensors(example)
        examples.append(example)
    packing = {"codes": [-8, 7, 0, -1, 3, -4], "bytes": "78f0c3"}
    rows, compared_words = packed_rows(np.random.default_rng(8))
    lines = lambda entries: ",\n".join("    " + json.dumps(entry) for entry in entries)
    SPEC.write_text(
        '{\n  "value": "(code - zeroPoint) * scale",\n  "absmax": [\n' + lines(examples)
        + '\n  ],\n  "packing": ' + json.dumps(packing) + ',\n  "rows": [\n' + lines(rows)
        + "\n  ]\n}\n"
    )
    print("compared with compressed-tensors" if compared and compared_words
          else "compressed-tensors not installed")


if __name__ == "__main__":
    main()
