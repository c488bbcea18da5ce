"""Decode tables of the small number formats and rounding cases of the 16-bit ones.

    pip install ml_dtypes==0.6.0 numpy safetensors
    python make_number_tables.py number_tables.safetensors

Arrays: e4m3fn, e5m2, e8m0fnu f32 [256], e2m1fn f32 [16], bf16 and f16 f32 [65536], each the value of
its index as a code; f32_in f32 [n] with bf16_out and f16_out u16 [n], to nearest even.
"""
import sys

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

bytes_ = np.arange(256, dtype=np.uint8)
words = np.arange(65536, dtype=np.uint32).astype(np.uint16)
tables = {
    "e4m3fn": bytes_.view(ml_dtypes.float8_e4m3fn),
    "e5m2": bytes_.view(ml_dtypes.float8_e5m2),
    "e8m0fnu": bytes_.view(ml_dtypes.float8_e8m0fnu),
    "e2m1fn": bytes_[:16].copy().view(ml_dtypes.float4_e2m1fn),
    "bf16": words.view(ml_dtypes.bfloat16),
    "f16": words.view(np.float16),
}
tables = {name: codes.astype(np.float32) for name, codes in tables.items()}

random = np.random.default_rng(1)
patterns = random.integers(0, 2**32, 12000, dtype=np.uint64).astype(np.uint32).view(np.float32)
scaled = random.standard_normal(12000) * 10.0 ** random.integers(-9, 6, 12000)
halves = tables["f16"][np.isfinite(tables["f16"])].astype(np.float64)
ties = ((halves[:-1] + halves[1:]) / 2)[::16]
special = [0, -0.0, 65504, 65519, 65520, -65520, 1e-45, 1e-40, 3.4e38, 2**-24, 2**-25, 1.5 * 2**-25]
cases = np.concatenate([patterns, scaled, ties, special]).astype(np.float32)
cases = cases[np.isfinite(cases)]
with np.errstate(over="ignore"):
    tables["f32_in"] = cases
    tables["bf16_out"] = cases.astype(ml_dtypes.bfloat16).view(np.uint16)
    tables["f16_out"] = cases.astype(np.float16).view(np.uint16)
save_file(tables, sys.argv[1])
