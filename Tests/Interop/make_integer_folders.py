#!/usr/bin/env python3
"""Writes formats/ascend/folder/spec.json and formats/compressed-tensors/spec.json: the bytes of small
tensors in both kinds of folder and the values they stand for, by numpy alone.

    make_integer_folders.py
"""

import json
import pathlib
import re

import ml_dtypes
import numpy as np

FORMATS = pathlib.Path(__file__).parents[2] / "formats"
TYPES = {"F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16, "I8": np.int8,
         "I32": np.int32, "I64": np.int64}
RNG = np.random.default_rng(20)


def stored(name, kind, array):
    array = np.asarray(array).astype(TYPES[kind])
    return {"name": name, "type": kind, "shape": list(array.shape), "bytes": array.tobytes().hex()}


def codes(rows, columns, bits):
    return RNG.integers(-(1 << bits - 1), 1 << bits - 1, (rows, columns))


def scales(*shape):
    """Numbers of BF16, so that products are the same in any order of rounding."""
    return (RNG.random(shape) * 0.1 + 0.001).astype(ml_dtypes.bfloat16).astype(np.float32)


def value(name, codes, scales, group=None):
    group = group or -(-codes.shape[1] // scales.shape[1])
    scales = np.repeat(scales, group, axis=1)[:, :codes.shape[1]]
    values = codes.astype(np.float32) * scales
    return {"name": name, "shape": list(values.shape), "values": [float(v) for v in values.flat]}


def row_pairs(codes):
    octets = (codes[0::2] & 15) | (codes[1::2] & 15) << 4
    return octets.astype(np.uint8).view(np.int8)


def words(codes, bits):
    per_word = 32 // bits
    fill = -codes.shape[1] % per_word
    fields = np.pad(codes + (1 << bits - 1), ((0, 0), (0, fill))).astype(np.uint32)
    fields = fields.reshape(len(codes), -1, per_word)
    shifts = np.arange(per_word, dtype=np.uint32) * np.uint32(bits)
    return (fields << shifts).sum(axis=2, dtype=np.uint32).view(np.int32)


def ascend():
    tensors, values, types = [], [], {}

    def add(module, kind, parts, codes, scales):
        for suffix, (element, array) in parts.items():
            tensors.append(stored(f"{module}.{suffix}", element, array))
            types[f"{module}.{suffix}"] = kind
        values.append(value(f"{module}.weight", codes, scales))

    q, s = codes(4, 6, 8), scales(4, 1)
    zeros = {"weight_offset": ("F32", np.zeros((4, 1)))}
    add("dynamic", "W8A8_DYNAMIC", {
        "weight": ("I8", q), "weight_scale": ("F32", s), **zeros}, q, s)
    q, s = codes(4, 16, 4), scales(4, 1)
    bias = np.float32(8) * (q.astype(np.float32) * s)
    add("pairs", "W4A8_DYNAMIC", {
        "weight": ("I8", row_pairs(q)), "weight_scale": ("F32", s), **zeros,
        "scale_bias": ("F32", bias)}, q, s)
    q, s = codes(4, 6, 4), scales(4, 1)
    add("nibbles", "W4A4_DYNAMIC", {
        "weight": ("I8", q), "weight_scale": ("F32", s), **zeros}, q, s)
    q, s = codes(4, 6, 8), scales(4, 2)
    add("groups", "W8A16", {
        "weight": ("I8", q), "weight_scale": ("F32", s),
        "weight_offset": ("F32", np.zeros((4, 2)))}, q, s)
    for module, kind in [("static", "F32"), ("static16", "I64")]:
        q, product, divisor = codes(4, 6, 8), scales(4), np.float32(0.037)
        carried = product if kind == "F32" else product.view(np.uint32).astype(np.int64)
        add(module, "W8A8", {
            "weight": ("I8", q), "deq_scale": (kind, carried), "input_scale": ("F32", [divisor]),
            "input_offset": ("F32", [-3]), "quant_bias": ("I32", [1, 2, 3, 4])},
            q, (product / divisor).reshape(4, 1))
    facts = {"version": "1.0.0", "model_quant_type": "W8A8_DYNAMIC", "group_size": 0,
             "metadata": {}, "optional": {}}
    return {"examples": [{"description": {**types, **facts}, "tensors": tensors, "values": values}]}


def example(weights, q, s, kind, packed):
    tensors = [stored("m.weight_scale", kind, s)]
    if packed:
        tensors += [stored("m.weight_packed", "I32", words(q, weights["num_bits"])),
                    stored("m.weight_shape", "I64", q.shape)]
    else:
        tensors.append(stored("m.weight", "I8", q))
    config = {
        "quant_method": "compressed-tensors", "ignore": ["lm_head"],
        "format": "pack-quantized" if packed else "int-quantized",
        "config_groups": {"group_0": {
            "targets": ["Linear"], "weights": {"type": "int", "symmetric": True, **weights}}}}
    wide = np.broadcast_to(s, (q.shape[0], s.shape[-1]))
    return {"config": {"quantization_config": config}, "tensors": tensors,
            "values": [value("m.weight", q, wide, weights.get("group_size"))]}


def compressed_tensors():
    channel = {"num_bits": 8, "strategy": "channel"}
    return {"examples": [
        example(channel, codes(3, 5, 8), scales(3, 1), "BF16", False),
        example({"num_bits": 4, "strategy": "channel"}, codes(3, 5, 4), scales(3, 1), "F32", False),
        example(channel, codes(3, 5, 8), scales(3, 1), "F32", True),
        example({"num_bits": 4, "strategy": "group", "group_size": 8}, codes(3, 16, 4),
                scales(3, 2), "BF16", True),
        # The last word of a row is filled, and the last group a partial one.
        example({"num_bits": 4, "strategy": "group", "group_size": 8}, codes(3, 13, 4),
                scales(3, 2), "BF16", True),
        example({"num_bits": 8, "strategy": "tensor"}, codes(3, 4, 8), scales(1), "BF16", True),
    ]}


def write(path, spec):
    text = json.dumps(spec, indent=1)
    # Lists of numbers on one line each.
    text = re.sub(r"\[[-\d.,e\s]*\]", lambda m: " ".join(m[0].split()), text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def main():
    write(FORMATS / "ascend" / "folder" / "spec.json", ascend())
    write(FORMATS / "compressed-tensors" / "spec.json", compressed_tensors())


if __name__ == "__main__":
    main()
