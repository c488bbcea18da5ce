#!/usr/bin/env python3
"""Recomputes what a certificate says: the figures in numpy float64 from the source and from the
output as gguf-py decodes it, the hashes with PyPI's blake3."""

import math

import blake3
import gguf
import numpy as np

import certificate
import source
from check_gguf import decoded, second_scales
from support import CHECKPOINTS, conversions, main

RELATIVE = 1e-12


def figures(want, found):
    """Signal, noise and largest absolute error, in float64."""
    want, found = want.astype(np.float64), found.astype(np.float64)
    difference = want - found
    return (math.fsum((want * want).ravel()), math.fsum((difference * difference).ravel()),
            float(np.max(np.abs(difference), initial=0.0)))


def close(a, b):
    return a == b or abs(a - b) <= RELATIVE * max(abs(a), abs(b))


def check_figures(row, want, found):
    for what, ours, theirs in zip(
            ("signal", "noise", "largest error"),
            (row.signal, row.noise, row.max_absolute_error), figures(want, found)):
        assert close(ours, theirs), f"{row.name}: {what} {ours!r}, numpy {theirs!r}"
    equal = bool(np.array_equal(want, found))
    assert row.exact == equal, f"{row.name}: class {row.kind}, but equal is {equal}"


def digest(parts, chunk_bytes):
    """BLAKE3 of the concatenated BLAKE3 digests of the chunks. No chunk crosses two parts."""
    chunks = [part[start:start + chunk_bytes]
              for part in parts for start in range(0, len(part), chunk_bytes)]
    return blake3.blake3(b"".join(blake3.blake3(chunk).digest() for chunk in chunks)).hexdigest()


def check_digest(row, tensor):
    data = tensor.data.tobytes()
    row_count = int(np.prod(tensor.shape[1:], initial=1))
    part = len(data) // row.parts
    ours = digest([data[start:start + part] for start in range(0, len(data), part)],
                  len(data) // row_count * row.chunk_rows)
    assert row.digest == ours, f"{row.name}: hash {row.digest}, blake3 {ours}"


def check(checks, quern, folder):
    expected = {name: source.expected_tensors(path) for name, path in CHECKPOINTS.items()}
    for name, recipe, output in conversions(quern, folder):
        # The certificate covers the draft model's file too, which repeats three tensors of the main one.
        reader = gguf.GGUFReader(output)
        tensors = {tensor.name: tensor for tensor in reader.tensors}
        scales = second_scales(reader)
        rows = {row.name: row for row in certificate.rows(output) if row.file == 0}
        with checks.claim(f"{name} {recipe}: the certificate has one row per tensor"):
            assert set(rows) == set(tensors), sorted(set(rows) ^ set(tensors))[:6]
        with checks.claim(f"{name} {recipe}: numpy finds the same signal, noise and errors"):
            for row in rows.values():
                found = decoded(tensors[row.name], scales)
                # Second scales come from a survey of the weights, which are in turn compared with them.
                want = found if row.name.endswith(".scale") else expected[name][row.name].values
                check_figures(row, want, found)
        with checks.claim(f"{name} {recipe}: PyPI's blake3 finds the same hashes"):
            for row in rows.values():
                check_digest(row, tensors[row.name])


if __name__ == "__main__":
    raise SystemExit(main(__doc__, check))
