#!/usr/bin/env python3
"""Writes formats/products/spec.json: products of block formats by llama.cpp's CPU backend.

Rows of weights are encoded, rows of activations rounded and their products taken by the ggml inside
PyPI's xllamacpp, called through ctypes.
"""

import ctypes
import json
import pathlib

import numpy as np
import xllamacpp

from ggml import TYPES

SPEC = pathlib.Path(__file__).parents[2] / "formats" / "products" / "spec.json"
HALVES = {"F32": (0, 1, 4), "F16": (1, 1, 2), "BF16": (30, 1, 2)}
# ggml's ids of the formats of activations, elements and bytes of a block.
PARTNERS = {0: ("f32", 1, 4), 1: ("f16", 1, 2), 30: ("bf16", 1, 2), 8: ("q8_0", 32, 34),
            9: ("q8_1", 32, 36), 15: ("q8_k", 256, 292)}
# F16 fields of a block, and bytes that must not be random.
F16_FIELDS = {"Q4_1": (0, 2), "Q5_1": (0, 2), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,),
              "MXFP4": (), "NVFP4": ()}


class Traits(ctypes.Structure):
    _fields_ = [("from_float", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p,
                                                ctypes.c_int64)),
                ("vec_dot", ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t,
                                             ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p,
                                             ctypes.c_size_t, ctypes.c_int)),
                ("vec_dot_type", ctypes.c_int), ("nrows", ctypes.c_int64)]


def library():
    folder = pathlib.Path(xllamacpp.__file__).parent
    ggml = ctypes.CDLL(str(next(folder.glob("xllamacpp.abi3.so"))))
    ggml.ggml_cpu_init()
    ggml.ggml_get_type_traits_cpu.restype = ctypes.POINTER(Traits)
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    return ggml


def rounded(ggml, values, partner):
    """The bytes of a row of activations as the backend keeps them."""
    name, elements, size = PARTNERS[partner]
    if name == "f32":
        return values.copy().view(np.uint8)
    out = np.zeros(len(values) // elements * size, np.uint8)
    ggml.ggml_get_type_traits_cpu(partner).contents.from_float(
        values.ctypes.data, out.ctypes.data, len(values))
    return out


def encoded(ggml, values, type_id, elements, size):
    if size == 4:
        return values.copy().view(np.uint8)
    out = np.zeros(len(values) // elements * size, np.uint8)
    importance = np.ones(len(values), np.float32)
    ggml.ggml_quantize_chunk(
        type_id, values.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int64(0), ctypes.c_int64(1), ctypes.c_int64(len(values)),
        importance.ctypes.data_as(ctypes.c_void_p))
    return out


def any_codes(random, name, elements, size, count):
    """Blocks of random bytes, with scales of ordinary size."""
    blocks = random.integers(0, 256, (count // elements, size), np.uint8)
    for offset in F16_FIELDS.get(name, (0,)):
        scale = (random.standard_normal(len(blocks)) * 0.01).astype(np.float16)
        blocks[:, offset:offset + 2] = scale.view(np.uint8).reshape(-1, 2)
    if name == "MXFP4":
        blocks[:, 0] = random.integers(115, 125, len(blocks))
    if name == "NVFP4":
        blocks[:, :4] = random.integers(1, 0x60, (len(blocks), 4))
    return blocks.reshape(-1)


def product(ggml, type_id, weights, activations, count):
    out = ctypes.c_float()
    ggml.ggml_get_type_traits_cpu(type_id).contents.vec_dot(
        count, ctypes.addressof(out), 0, weights.ctypes.data, 0, activations.ctypes.data, 0, 1)
    return out.value


def rows(random):
    plain = random.standard_normal(512).astype(np.float32)
    outliers = plain * np.where(random.random(512) < 0.02, 40, 1).astype(np.float32)
    outliers[64:96] = 0
    outliers[256:] *= np.float32(1e-3)
    # Halves of the step are ties: 127 steps of 1/4, in each block.
    ties = (random.integers(-254, 255, 512) / 8).astype(np.float32)
    ties[::32] = 31.75
    return {"plain": plain, "outliers, a block of zeros": outliers, "ties": ties}


def main():
    ggml, random = library(), np.random.default_rng(20)
    activations, products = [], []
    values = rows(random)
    for partner, (name, *_) in PARTNERS.items():
        for note, row in values.items():
            activations.append({"format": name, "row": note,
                                "bytes": rounded(ggml, row, partner).tobytes().hex()})
    for name, (type_id, elements, size) in (TYPES | HALVES).items():
        partner = ggml.ggml_get_type_traits_cpu(type_id).contents.vec_dot_type
        count = 512 if elements == 256 else 320
        for note, row in values.items():
            source = (random.standard_normal(count) * 0.02).astype(np.float32)
            weights = encoded(ggml, source, type_id, elements, size)
            if note == "plain" and name in TYPES:
                weights = any_codes(random, name, elements, size, count)
            bytes_ = rounded(ggml, np.ascontiguousarray(row[:count]), partner)
            products.append({"format": name.lower(), "activations": PARTNERS[partner][0],
                             "row": note, "weights": weights.tobytes().hex(),
                             "product": product(ggml, type_id, weights, bytes_, count)})
    spec = {"ggml": f"xllamacpp {xllamacpp.__version__}",
            "rows": {note: row.tobytes().hex() for note, row in values.items()},
            "activations": activations, "products": products}
    SPEC.write_text("{\n" + ",\n".join(
        f'{json.dumps(key)}: ' + lines(value) for key, value in spec.items()) + "\n}\n")


def lines(value):
    if isinstance(value, list):
        return "[\n" + ",\n".join(json.dumps(item) for item in value) + "\n]"
    return json.dumps(value)


if __name__ == "__main__":
    main()
