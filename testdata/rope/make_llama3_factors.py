"""Writes llama3_factors.json: the divisors of Llama 3's rotary frequencies, by numpy.

The rule is written here as Meta states it, over frequencies: each frequency is kept, divided by the
factor, or mixed from both. The divisor is the old frequency over the new one.
"""

import json
import pathlib

import numpy as np

CASES = [  # theta, head dimension, factor, low, high, original length
    (500000.0, 128, 8.0, 1.0, 4.0, 8192),
    (500000.0, 64, 32.0, 1.0, 4.0, 8192),
    (500000.0, 32, 8.0, 1.0, 4.0, 128),
    (10000.0, 96, 4.0, 2.0, 8.0, 2048),
]


def divisors(theta, head, factor, low, high, original):
    frequency = theta ** (-np.arange(0, head, 2, dtype=np.float64) / head)
    turns = original * frequency / (2 * np.pi)  # rotations within the original context
    share = np.clip((turns - low) / (high - low), 0, 1)
    return frequency / ((1 - share) * frequency / factor + share * frequency)


def main():
    rows = []
    for case in CASES:
        keys = ("theta", "headDimension", "factor", "low", "high", "original")
        factors = divisors(*case).astype(np.float32)
        rows.append(dict(zip(keys, case)) | {"bits": factors.view(np.uint32).tolist()})
    path = pathlib.Path(__file__).with_name("llama3_factors.json")
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


main()
