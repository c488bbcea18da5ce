#!/usr/bin/env python3
"""Writes formats/ascend/kernels/spec.json: examples of the emulated NPU kernels, by numpy alone."""

import json
import pathlib

import ml_dtypes
import numpy as np

F32 = np.float32
SPEC = pathlib.Path(__file__).parents[2] / "formats" / "ascend" / "kernels" / "spec.json"
HALVES = {"f16": np.float16, "bf16": ml_dtypes.bfloat16}


def rounded(values, kind):
    with np.errstate(over="ignore"):
        return np.asarray(values, F32).astype(HALVES[kind]).astype(F32)


def fp19(values):
    bits = np.array(values, F32).view(np.uint32) & np.uint32(0xFFFFE000)
    return bits.view(F32)


def dynamic_quant(x, top):
    codes, scales = np.zeros(x.shape, int), np.zeros(len(x), F32)
    for row, values in enumerate(x):
        largest = np.abs(values).max()
        if largest > 0:
            inverse = F32(top) / largest
            scales[row] = F32(1) / inverse
            codes[row] = np.rint(values * inverse)
    return codes, scales


def sums(x, w):
    return x.astype(np.int64) @ w.astype(np.int64).T


def w4a8(x, tokens, w, scales, bias):
    high, low = x // 16, x % 16 - 8
    groups = scales.shape[1]
    width = x.shape[1] // groups

    def part(half):
        total = np.zeros((len(x), len(w)), np.float16)
        for g in range(groups):
            span = slice(g * width, (g + 1) * width)
            scaled = sums(half[:, span], w[:, span]).astype(F32) * fp19(scales[:, g])
            total = total + scaled.astype(np.float16)
        return total.astype(F32)

    return (part(high) * F32(16) + part(low) + bias) * tokens[:, None]


def silu(values):
    return (values.astype(float) / (1 + np.exp(-values.astype(float)))).astype(F32)


def swiglu_quant(gate, up, limit, scaling):
    if limit > 0:
        gate, up = np.minimum(gate, F32(limit)), np.clip(up, F32(-limit), F32(limit))
    y = silu(gate) * up
    codes, scales = np.zeros(y.shape, int), np.zeros(len(y), F32)
    for row, values in enumerate(y):
        scale = np.abs(values).max() / F32(127)
        if scale > 0:
            scaled = values / scale if scaling == "division" else values * (F32(1) / scale)
            scales[row], codes[row] = scale, np.rint(rounded(scaled, "f16"))
    return codes, scales


def lanes_product(x, w):
    """In sixteen lanes; products of 16-bit numbers are exact in float64."""
    out = np.zeros((len(x), len(w)), F32)
    for m, n in np.ndindex(out.shape):
        lanes = np.zeros(16, F32)
        for k in range(x.shape[1]):
            lanes[k % 16] = F32(float(x[m, k]) * float(w[n, k]) + float(lanes[k % 16]))
        for half in (8, 4, 2, 1):
            lanes[:half] += lanes[half : 2 * half]
        out[m, n] = lanes[0]
    return out


def flat(values):
    values = np.asarray(values).ravel()
    return values.astype(int).tolist() if values.dtype.kind == "i" else values.astype(float).tolist()


class Random:
    def __init__(self, seed):
        self.source = np.random.default_rng(seed)

    def values(self, *shape, scale=1.0):
        return (self.source.standard_normal(shape) * scale).astype(F32)

    def codes(self, least, most, *shape):
        return self.source.integers(least, most + 1, shape)

    def scales(self, *shape):
        return rounded(self.source.uniform(0.001, 0.01, shape), "bf16")


def dynamic_examples(random):
    x = random.values(3, 9)
    x[1] = 0
    ties = np.array([[127, 0.5, 1.5, -2.5, -126.5, -0.0]], F32)
    smooth = np.abs(random.values(9)) + F32(0.5)
    for note, bits, values, factors in [
        ("int8; a token of zeros", 8, x, None), ("int8: halves round to even", 8, ties, None),
        ("int4", 4, x, None), ("int8 with smooth scales", 8, x, smooth),
    ]:
        scaled = values if factors is None else values * factors
        codes, scales = dynamic_quant(scaled, 7 if bits == 4 else 127)
        yield {"note": note, "bits": bits, "tokens": len(values), "x": flat(values),
               "smoothScales": None if factors is None else flat(factors), "codes": flat(codes),
               "scales": flat(scales)}


def parameter(scale, offset):
    bits = int(fp19(scale).view(np.uint32)) | 1 << 46 | (offset & 0x1FF) << 37
    return {"scale": float(scale), "offset": offset, "bits": f"{bits:016x}"}


def matmul_examples(random):
    x, w = random.codes(-128, 127, 2, 20), random.codes(-128, 127, 3, 20)
    tokens, integers = random.values(2, scale=0.01), random.codes(-9999, 9999, 3)
    scales, floats = random.values(3, scale=0.001), random.values(3)
    for note, output, token, kind, factors, bias in [
        ("scales of tokens and outputs, float bias", "bf16", tokens, "floats", scales, floats),
        ("int32 bias, F16", "f16", tokens, "floats", scales, integers),
        ("fp19 scales of outputs", "f16", None, "parameters", scales, integers),
        ("one scale for all goes through fp19", "bf16", None, "floats", scales[:1], None),
        ("one scale for all, with scales of tokens, does not", "bf16", tokens, "floats", scales[:1], None),
    ]:
        total = sums(x, w) + (bias if bias is integers else 0)
        cut = kind == "parameters" or (token is None and len(factors) == 1)
        y = total.astype(F32) * (fp19(factors) if cut else factors)
        if token is not None:
            y = y * token[:, None]
        if bias is floats:
            y = y + bias
        yield {"note": note, "output": output, "tokens": 2, "outputs": 3, "x": flat(x), "w": flat(w),
               "tokenScales": None if token is None else flat(token), "scaleKind": kind,
               "scales": flat(factors), "integerBias": flat(bias) if bias is integers else None,
               "floatBias": flat(bias) if bias is floats else None, "out": flat(rounded(y, output))}


def requantize_examples(random):
    x, w = random.codes(-128, 127, 2, 20), random.codes(-128, 127, 3, 20)
    for scale, offset in [(F32(0.0013), -7), (F32(0.03), 200), (F32(0.03), -256)]:
        inner = np.clip(np.rint(sums(x, w).astype(F32) * fp19(scale)), -256, 255).astype(int)
        yield {"tokens": 2, "outputs": 3, "x": flat(x), "w": flat(w), "scale": float(scale),
               "offset": offset, "out": flat(np.clip(inner + offset, -128, 127))}


def w4a8_examples(random):
    for note, groups, exact in [
        ("a scale for each output", 1, True), ("scales that fp19 cuts", 1, False),
        ("four groups", 4, True),
    ]:
        x, w = random.codes(-128, 127, 3, 64), random.codes(-8, 7, 4, 64)
        scales = random.scales(4, groups) if exact else np.abs(random.values(4, groups, scale=0.01))
        wide = w.reshape(4, groups, -1) * scales[:, :, None].astype(float)
        bias, tokens = (8 * wide.sum((1, 2))).astype(F32), np.abs(random.values(3, scale=0.01))
        yield {"note": note, "tokens": 3, "outputs": 4, "groups": groups, "x": flat(x), "w": flat(w),
               "scales": flat(scales), "scaleBias": flat(bias), "tokenScales": flat(tokens),
               "out": flat(w4a8(x, tokens, w, scales, bias))}


def swiglu_examples(random):
    gate, up = random.values(3, 10, scale=4), random.values(3, 10, scale=4)
    up[2] = 0
    for scaling in ("division", "inverse"):
        for limit in (0, 3):
            codes, scales = swiglu_quant(gate, up, limit, scaling)
            yield {"scaling": scaling, "limit": limit, "tokens": 3, "gate": flat(gate), "up": flat(up),
                   "codes": flat(codes), "scales": flat(scales)}


def fused_examples(random):
    x, tokens = random.codes(-128, 127, 2, 32), np.abs(random.values(2, scale=0.05))
    for bits in (8, 4):
        low, high = (-127, 127) if bits == 8 else (-8, 7)
        halves, parts = [], []
        for _ in range(2):
            w, scales = random.codes(low, high, 5, 32), random.scales(5) * F32(1 if bits == 4 else 0.1)
            bias = (8 * (w * scales[:, None].astype(float)).sum(1)).astype(F32)
            if bits == 8:
                half = sums(x, w).astype(F32) * tokens[:, None] * scales
            else:
                half = w4a8(x, tokens, w, scales[:, None], bias)
            halves.append(half)
            parts.append({"w": flat(w), "scales": flat(scales), "scaleBias": flat(bias)})
        codes, scales = swiglu_quant(*halves, 2, "division" if bits == 8 else "inverse")
        yield {"bits": bits, "limit": 2, "tokens": 2, "outputs": 5, "x": flat(x),
               "tokenScales": flat(tokens), "gate": parts[0], "up": parts[1], "codes": flat(codes),
               "scales": flat(scales)}


def weight_examples(random):
    for note, kind, groups, offset, biased in [
        ("symmetric", "bf16", 1, False, False), ("offsets and bias", "f16", 1, True, True),
        ("groups of 32, the last one partial", "bf16", 3, True, False),
    ]:
        x, w = rounded(random.values(2, 72), kind), random.codes(-128, 127, 3, 72)
        scales, offsets = random.values(3, groups, scale=0.01), random.values(3, groups, scale=9)
        bias = random.values(3)
        width = 32 if groups > 1 else 72
        spread = lambda values: np.repeat(values, width, 1)[:, :72]
        values = w.astype(F32)
        if offset:
            values = rounded(values + rounded(spread(offsets), kind), kind)
        values = rounded(values * spread(scales), kind)
        out = lanes_product(x, values) + (bias if biased else F32(0))
        yield {"note": note, "type": kind, "tokens": 2, "outputs": 3, "x": flat(x), "w": flat(w),
               "scales": flat(scales), "offsets": flat(offsets) if offset else None,
               "groupElements": 32 if groups > 1 else None, "bias": flat(bias) if biased else None,
               "out": flat(rounded(out, kind))}


def main():
    random = Random(17)
    parameters = [(F32(0.1), 0), (F32(1.0000001), 255), (F32(3e-5), -256), (F32(7), -1)]
    sections = {
        "dynamicQuant": list(dynamic_examples(random)),
        "transQuantParam": [parameter(*entry) for entry in parameters],
        "quantMatmul": list(matmul_examples(random)),
        "requantize": list(requantize_examples(random)),
        "w4a8": list(w4a8_examples(random)),
        "swigluQuant": list(swiglu_examples(random)),
        "groupedMatmulSwigluQuant": list(fused_examples(random)),
        "weightQuantBatchMatmul": list(weight_examples(random)),
    }
    body = ",\n".join(
        f'  "{name}": [\n' + ",\n".join("    " + json.dumps(entry) for entry in entries) + "\n  ]"
        for name, entries in sections.items()
    )
    SPEC.write_text("{\n" + body + "\n}\n")


if __name__ == "__main__":
    main()
