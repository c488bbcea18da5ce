#!/usr/bin/env python3
"""Reads what `quern convert` writes with PyPI's `gguf` and compares it with two independent
sources: the file that llama.cpp's own converter makes of the same checkpoint (names, shapes,
metadata) and the checkpoint itself as numpy and ml_dtypes decode it (values, block bytes)."""

import gguf
import numpy as np

import source
from support import (CHECKPOINTS, GOLDENS, THREADS, certificate_path, conversions,
                     main)

# Where our metadata differ from llama.cpp's, and why. The value is ours: a function of
# (checkpoint name, recipe), with None for "not written".
FILE_TYPES = {"q8_0": 7, "q4_0": 2, "q4_k_m": 14, "q4_k_s": 14, "q5_k_m": 16, "q6_k": 18, "iq4_xs": 30,
              "iq4_nl": 25, "nvfp4": 39, "v4-int8": 7, "v4-int4": 2}
# Rows of 64: blocks of 256 become blocks of 32. Int4 is for DeepSeek's experts alone.
STORIES_FILE_TYPES = FILE_TYPES | {"q4_k_m": 8, "q4_k_s": 8, "q5_k_m": 9, "q6_k": 7, "iq4_xs": 25,
                                   "v4-int4": 7}
DIFFERENCES = {
    "general.file_type": (
        lambda name, recipe: (STORIES_FILE_TYPES if name.startswith("stories") else FILE_TYPES).get(
            recipe, {"stories260K-f32": 0, "stories260K-bf16": 32, "tiny-v4": 38}[name]),
        "says what most weights of this file are; the golden file was made with another --outtype"),
    "general.name": (
        lambda name, recipe: {"stories260K-f32": "F32", "stories260K-bf16": "Bf16 3shard",
                              "tiny-v4": "Upstream"}[name],
        "comes from the name of the folder, which was another one when the golden file was made"),
    "general.finetune": (
        lambda name, recipe: {"stories260K-bf16": "3shard"}.get(name),
        "comes from the name of the folder, by llama.cpp's own guessing"),
    "general.basename": (
        lambda name, recipe: None,
        "llama.cpp guessed it from the name of the folder"),
    "general.version": (
        lambda name, recipe: None,
        "llama.cpp guessed it from the name of the folder"),
    "tokenizer.chat_template": (
        lambda name, recipe: None,
        "llama.cpp adds a template of its own; the released checkpoint has none"),
    "tokenizer.ggml.pre": (
        lambda name, recipe: "default" if name.startswith("stories") else "joyai-llm",
        "the golden file was made with the name forced to deepseek-v3: the same patterns"),
}

# Never quantized, whatever the recipe: norms, routers, tables and the small mixers of V4.
LEFT_ALONE = ("_norm.weight", "hc_attn", "hc_ffn", "output_hc", "_ape.", "attn_sinks", "tid2eid",
              "ffn_gate_inp", "exp_probs_b", "_compressor_", "indexer.proj")
EXACT = ("F32", "BF16", "I32", "MXFP4")
# Exact for FP4 sources whose scales are not far apart, as those of the test data. NVFP4 is all but exact:
# llama.cpp has no second scale for these experts, and a few of their scales are below 2^-9.
EXACT_FOR_FP4 = ("Q8_0", "Q5_0", "Q5_1", "Q5_K", "Q6_K")
NEARLY_EXACT_FOR_FP4, NEARLY_EXACT = "NVFP4", 1e-3
# Root of noise over signal: twice what Gaussian weights lose, and more for a few bits.
LIMITS = {"Q8_0": 0.02, "Q6_K": 0.05, "Q5_0": 0.1, "Q5_1": 0.1, "Q5_K": 0.1}
LIMIT_OF_FOUR_BITS = 0.2

# Forces the plain encoder everywhere, so that its bytes can be compared.
ABSMAX_ROLES = ("routed-expert", "shared-expert", "low-rank-attention", "indexer-query")
ABSMAX_TYPES = ("q8_0", "q4_0", "q4_1", "q5_0", "q5_1")
# One with each way to encode: no block, one scale, two, and a survey before.
THREADED_RECIPES = ("source", "q8_0", "q4_k_m", "nvfp4")


def metadata(reader):
    """{key: (types, value)} without the fields that describe the container."""
    return {key: ([kind.name for kind in field.types], field.contents())
            for key, field in reader.fields.items() if not key.startswith("GGUF.")}


def compare_metadata(ours, theirs, name, recipe):
    problems = []
    for key in sorted(set(ours) | set(theirs)):
        if ours.get(key) == theirs.get(key):
            continue
        if key not in DIFFERENCES:
            found, want = (str(side.get(key))[:80] for side in (ours, theirs))
            problems.append(f"{key}: {found}, llama.cpp {want}")
            continue
        want = DIFFERENCES[key][0](name, recipe)
        found = ours[key][1] if key in ours else None
        if found != want:
            problems.append(f"{key}: {found!r}, expected {want!r} ({DIFFERENCES[key][1]})")
        if key in ours and key in theirs and ours[key][0] != theirs[key][0]:
            problems.append(f"{key}: type {ours[key][0]}, llama.cpp {theirs[key][0]}")
    assert not problems, "; ".join(problems)


def second_scales(reader):
    """{name of a weight: the factors beside it, one or one for each expert}."""
    return {tensor.name.removesuffix("scale") + "weight": np.array(tensor.data)
            for tensor in reader.tensors if tensor.name.endswith(".scale")}


def decoded(tensor, scales=None):
    """The values of one GGUF tensor by gguf-py, shaped as numpy has them, times its second scale."""
    shape = [int(n) for n in reversed(tensor.shape)]
    if tensor.tensor_type.name == "I32":
        return tensor.data.reshape(shape)
    values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(shape)
    if scales is None or tensor.name not in scales:
        return values
    return values * scales[tensor.name].reshape(-1, *(1,) * (len(shape) - 1))


def noise(values, reference):
    return float(np.sum((values.astype(np.float64) - reference.astype(np.float64)) ** 2))


def check_bytes(tensor, want):
    theirs = gguf.quants.quantize(want.values, tensor.tensor_type)
    assert theirs.tobytes() == tensor.data.tobytes(), (
        f"{tensor.tensor_type.name} bytes differ from gguf-py's")


def check_tensor(tensor, want, plain, scales):
    """`plain` says that the recipe forced absmax everywhere."""
    kind, values = tensor.tensor_type.name, decoded(tensor, scales)
    assert values.shape == want.values.shape, f"{values.shape}, expected {want.values.shape}"
    if any(part in tensor.name for part in LEFT_ALONE):
        assert kind in EXACT, f"{kind}, but it must be left alone"
    if plain and kind not in EXACT:
        check_bytes(tensor, want)
    elif kind in EXACT or (kind in EXACT_FOR_FP4 and want.encoding == "FP4"):
        different = int(np.count_nonzero(values != want.values))
        assert not different, f"{kind}: {different} of {values.size} values differ from the source"
    elif kind == "F16":
        rounded = want.values.astype(np.float16).astype(np.float32)
        assert np.array_equal(values, rounded), "F16 values"
    else:
        if kind.lower() in ABSMAX_TYPES:
            best = gguf.quants.quantize(want.values, tensor.tensor_type)
            bound = noise(gguf.quants.dequantize(best, tensor.tensor_type), want.values)
            assert noise(values, want.values) <= bound, "more noise than absmax"
        signal = noise(want.values, np.zeros_like(want.values))
        error = (noise(values, want.values) / signal) ** 0.5 if signal else 0.0
        limit = LIMITS.get(kind, LIMIT_OF_FOUR_BITS)
        if kind == NEARLY_EXACT_FOR_FP4 and want.encoding == "FP4":
            limit = NEARLY_EXACT
        assert error <= limit, f"{kind}: relative error {error:.3f}, at most {limit}"


def check_values(output, expected, plain=False):
    problems = []
    reader = gguf.GGUFReader(output)
    scales = second_scales(reader)
    for tensor in reader.tensors:
        if tensor.name.endswith(".scale"):
            continue
        try:
            check_tensor(tensor, expected[tensor.name], plain, scales)
        except AssertionError as error:
            problems.append(f"{tensor.name}: {error}")
    assert not problems, f"{len(problems)} tensors: " + "; ".join(problems[:5])


def table(reader):
    """Names and shapes, second scales left out."""
    return {tensor.name: [int(n) for n in tensor.shape] for tensor in reader.tensors
            if not tensor.name.endswith(".scale")}


def check_against_golden(checks, name, recipe, output):
    ours, theirs = gguf.GGUFReader(output), gguf.GGUFReader(GOLDENS[name])
    with checks.claim(f"{name} {recipe}: tensor names and shapes are llama.cpp's"):
        difference = set(map(str, table(ours).items())) ^ set(map(str, table(theirs).items()))
        assert not difference, sorted(difference)[:6]
    with checks.claim(f"{name} {recipe}: metadata are llama.cpp's save for the listed differences"):
        compare_metadata(metadata(ours), metadata(theirs), name, recipe)


def check_threads(checks, quern, folder):
    for name, checkpoint in CHECKPOINTS.items():
        for recipe in THREADED_RECIPES:
            with checks.claim(f"{name} {recipe}: the same bytes for {THREADS} threads"):
                seen = set()
                for threads in THREADS:
                    (folder / str(threads)).mkdir(exist_ok=True)
                    output = folder / str(threads) / f"{name}-{recipe}.gguf"
                    quern.convert(checkpoint, recipe, output, "--threads", threads, "--overwrite")
                    seen.add((output.read_bytes(), certificate_path(output).read_bytes()))
                assert len(seen) == 1, f"{len(seen)} different pairs of file and certificate"


def check_absmax(checks, quern, folder):
    name = "tiny-v4"
    for recipe in ABSMAX_TYPES:
        with checks.claim(f"{name} {recipe}: absmax bytes are gguf-py's, experts included"):
            file, output = folder / f"{recipe}.json5", folder / f"absmax-{recipe}.gguf"
            rules = ",".join(f'{{match: "role:{role}", type: "{recipe}", method: "absmax"}}'
                             for role in ABSMAX_ROLES)
            file.write_text(f"{{rules: [{rules}]}}\n")
            quern.convert(CHECKPOINTS[name], file, output, "--overwrite")
            check_values(output, source.expected_tensors(CHECKPOINTS[name]), plain=True)


def check_draft_files(checks, folder):
    with checks.claim("the draft layer has a file of its own, which opens"):
        files = sorted(folder.glob("tiny-v4-*.mtp.gguf"))
        assert files, "no *.mtp.gguf was written"
        for file in files:
            names = table(gguf.GGUFReader(file))
            assert any("nextn" in name for name in names), f"{file.name}: no nextn tensor"


def check(checks, quern, folder):
    expected = {name: source.expected_tensors(path) for name, path in CHECKPOINTS.items()}
    for name, recipe, output in conversions(quern, folder):
        if name in GOLDENS:
            check_against_golden(checks, name, recipe, output)
        with checks.claim(f"{name} {recipe}: every value is the source's or as near as its type allows"):
            assert set(table(gguf.GGUFReader(output))) == set(expected[name]), "names"
            check_values(output, expected[name])
    check_draft_files(checks, folder)
    check_absmax(checks, quern, folder)
    check_threads(checks, quern, folder)


if __name__ == "__main__":
    raise SystemExit(main(__doc__, check))
