#!/usr/bin/env python3
"""Compares rows of integers with what msModelSlim's rules for weights leave, on the same rows, and
writes both as JSON.

    compare_modelslim.py [--quern PATH] [--rows 128] [--model NAME=FOLDER]... [-o RESULT.json]

`quern bench encode --export` hands over the rows. The rules are stated here by their formulas, each a
scale for a row:

    minmax  s = max|w| / (2^(bits−1) − 1),  q = clamp(round(w/s), −2^(bits−1), 2^(bits−1) − 1)
    ssz     from minmax's on, s ← Σ w·q / Σ q²; a row keeps what has the least error, for
            as long as that falls, 50 times at most

once in float32 and once as msModelSlim does it in a model of that type, rounding scales and quotients
to BF16. Values are code · scale. Signal to noise is in decibels; `worstRow` is the largest ratio of our
error to theirs in a row.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import ml_dtypes
import numpy as np

from compare_ggml import decibels
from support import ROOT, scratch

SIGNALS = ("gauss", "laplace", "student5", "outliers", "fp8", "mxfp4-ceil", "mxfp4-floor")
TYPES = {"int8-row": 8, "int4-row": 4}
BF16 = ml_dtypes.bfloat16


def as_float32(values):
    return values.astype(np.float32)


def as_bf16(values):
    return values.astype(BF16).astype(np.float32)


def codes(rows, scales, bits, rounded):
    return np.clip(np.rint(rounded(rows / scales)), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def errors(rows, values):
    return ((rows.astype(np.float64) - values) ** 2).sum(1)


def minmax(rows, bits, rounded):
    largest = np.abs(rows).max(1, keepdims=True)
    scales = rounded(largest / np.float32(2 ** (bits - 1) - 1))
    return codes(rows, scales, bits, rounded) * scales


def ssz(rows, bits, rounded):
    scales = rounded(np.abs(rows).max(1, keepdims=True) / np.float32(2 ** (bits - 1) - 1))
    integers = codes(rows, scales, bits, rounded)
    best = integers * scales
    for _ in range(50):
        squares = np.maximum((integers * integers).sum(1, keepdims=True), 1)
        scales = rounded((rows * integers).sum(1, keepdims=True) / squares)
        scales = np.where(scales > 0, scales, np.float32(1))
        integers = codes(rows, scales, bits, rounded)
        better = errors(rows, integers * scales) < errors(rows, best)
        if not better.any():
            break
        best[better] = (integers * scales)[better]
    return best


def ours(folder, signal, name, method, shape):
    """Codes, one to a byte, and a float32 scale for each row."""
    packed = np.fromfile(folder / f"{signal}.{name}.{method}.blocks", np.uint8)
    rows = packed.reshape(shape[0], shape[1] + 4)
    scales = np.ascontiguousarray(rows[:, shape[1]:]).view(np.float32)
    return rows[:, :shape[1]].view(np.int8).astype(np.float32) * scales


def measure(result, folder, length):
    name, signal = result["type"], result["signal"]
    rows = np.fromfile(folder / f"{signal}.f32", np.float32).reshape(-1, length)
    power = (rows.astype(np.float64) ** 2).sum()
    own = errors(rows, ours(folder, signal, name, result["method"], rows.shape))
    entry = {"signal": signal, "type": name, "method": result["method"],
             "sqnrDecibels": decibels(power, own.sum()), "rules": {}}
    for rule in (minmax, ssz):
        for kind, rounded in (("f32", as_float32), ("bf16", as_bf16)):
            theirs = errors(rows, rule(rows, TYPES[name], rounded))
            entry["rules"][f"{rule.__name__}-{kind}"] = {
                "sqnrDecibels": decibels(power, theirs.sum()),
                "worstRow": float((own / np.maximum(theirs, 1e-300)).max()),
            }
    return entry


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quern", type=pathlib.Path, default=ROOT / ".build/release/quern")
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--model", dest="models", action="append", default=[])
    parser.add_argument("-o", "--output", type=pathlib.Path)
    options = parser.parse_args()
    with scratch() as folder:
        export = pathlib.Path(folder) / "rows"
        command = [options.quern, "bench", "encode", "--json", "--runs", 1, "--rows",
                   options.rows, "--export", export]
        for flag, values in (("--type", TYPES), ("--signal", SIGNALS), ("--model", options.models)):
            for value in values:
                command += [flag, value]
        answer = json.loads(subprocess.run(list(map(str, command)), check=True,
                                           capture_output=True).stdout)
        results = [measure(result, export, answer["rowLength"]) for result in answer["results"]
                   if result["method"] in ("optimal", "grid-aware")]
    worse = [f"{entry['signal']} {entry['type']} {rule}" for entry in results
             for rule, theirs in entry["rules"].items()
             if entry["sqnrDecibels"] is not None and theirs["sqnrDecibels"] is not None
             and entry["sqnrDecibels"] < theirs["sqnrDecibels"] - 0.005]
    document = json.dumps({"rows": options.rows, "rowLength": answer["rowLength"],
                           "results": results}, indent=1) + "\n"
    if options.output:
        options.output.write_text(document)
    else:
        print(document, end="")
    if worse:
        sys.exit("more error than a rule of msModelSlim: " + ", ".join(worse))


if __name__ == "__main__":
    main()
