#!/usr/bin/env python3
"""Runs what `quern convert` writes in llama.cpp itself (PyPI's xllamacpp)."""

import json
import math
import pathlib
import subprocess
import sys

import gguf
import numpy as np

import families
from support import CHECKPOINTS, GOLDENS, TESTDATA, conversions, main

STORY = (TESTDATA / "stories260K" / "greedy_200.txt").read_text().rstrip("\n")
# How many tokens of the story each recipe must tell. The model is so small that 8 and 4 bits
# change its mind later on; of the other recipes it is enough that llama.cpp runs them.
TOKENS = {"source": 200, "q8_0": 40, "q4_0": 12, "q6_k": 40, "q5_k_m": 12}
START_OF_TEXT = [1]
V4_PROMPT = [0, 5, 6, 7, 300, 41, 17, 9]
V4_TOKENS = 16
# Where tiny V4 has FP8: the FP4 experts are exact in Q8_0.
PLAIN_ROLES = ("shared-expert", "low-rank-attention", "indexer-query")
# Families that llama.cpp reads byte-level tokenizers for; the one at hand has no pre-tokenizer.
BYTE_LEVEL = ("qwen2-moe", "qwen3-moe", "deepseek-v3", "deepseek-v3-tied", "deepseek-v3-fp8")
FLOATS = '{rules: [{match: "*", type: "f32"}]}\n'
# Of the logarithm of a probability: llama.cpp's sums of products are in another order.
LARGEST_DIFFERENCE = 5e-4
PLACES = (1, 16, 48, 160)
GENERATE = pathlib.Path(__file__).with_name("llama_cpp_generate.py")


def generate(model, prompt, count, candidates=1):
    result = subprocess.run(
        [sys.executable, str(GENERATE), str(model), json.dumps(prompt), str(count),
         str(candidates)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, (
        f"exit {result.returncode}: {result.stdout.strip()} {result.stderr.strip()[-600:]}")
    answer = json.loads(result.stdout)
    assert answer["count"] == count, f"{answer['count']} tokens, expected {count}"
    assert all(map(math.isfinite, answer["logprobs"])), "a probability is not a number"
    return answer


def tells_the_story(model, count):
    text = generate(model, START_OF_TEXT, count)["text"].removeprefix(" ")
    assert STORY.startswith(text) if count < 200 else STORY == text, f"told {text!r}"


def agrees_at_first(model, reference):
    """The first token after the prompt: the same choice with about the same probability."""
    ours, theirs = (generate(file, V4_PROMPT, V4_TOKENS) for file in (model, reference))
    assert ours["tokens"][0] == theirs["tokens"][0], (
        f"token {ours['tokens'][0]}, llama.cpp's own conversion gives {theirs['tokens'][0]}")
    difference = abs(ours["logprobs"][0] - theirs["logprobs"][0])
    assert difference < 0.3, f"log probabilities differ by {difference:.3f}"


def check_split(checks, quern, folder):
    with checks.claim("stories260K-f32 source: a split file tells 200 tokens of the story"):
        parts = folder / "parts"
        parts.mkdir(exist_ok=True)
        quern.convert(CHECKPOINTS["stories260K-f32"], "source", parts / "story.gguf",
                      "--split-max-size", "300K", "--overwrite")
        files = sorted(parts.glob("story-*-of-*.gguf"))
        assert len(files) > 2, f"only {[file.name for file in files]}"
        tells_the_story(files[0], 200)


def check_plain_int8(checks, quern, folder):
    """Q8_0 with the scales that llama-quantize takes."""
    recipe, output = folder / "plain.json5", folder / "plain.gguf"
    recipe.write_text('{extends: "q8_0", rules: [%s]}\n' % ", ".join(
        f'{{match: "role:{role}", type: "q8_0", method: "absmax"}}' for role in PLAIN_ROLES))
    with checks.claim("tiny-v4 q8_0 by absmax: llama.cpp says what its own conversion says"):
        quern.convert(CHECKPOINTS["tiny-v4"], recipe, output, "--overwrite")
        agrees_at_first(output, GOLDENS["tiny-v4"])


def dump(path):
    """Metadata (tokenizer left out) and tensor table, as the goldens hold them."""
    reader = gguf.GGUFReader(path)
    metadata = {key: {"type": [kind.name for kind in field.types], "value": field.contents()}
                for key, field in reader.fields.items()
                if not key.startswith(("GGUF.", "tokenizer."))}
    tensors = {tensor.name: [tensor.tensor_type.name, [int(n) for n in tensor.shape],
                             int(tensor.n_bytes)] for tensor in reader.tensors}
    return metadata, tensors


def equals_golden(output, golden):
    metadata, tensors = dump(output)
    assert list(metadata) == list(golden["metadata"]), f"keys {list(metadata)}"
    for key, want in golden["metadata"].items():
        assert metadata[key] == want, f"{key}: {metadata[key]}, llama.cpp's converter {want}"
    theirs = {entry["name"]: [entry["type"], entry["shape"], entry["bytes"]]
              for entry in golden["tensors"]}
    assert tensors == theirs, sorted(set(map(str, tensors.items())) ^ set(map(str, theirs.items())))[:6]


def largest_difference(output, name):
    """Between the logarithms of probabilities: llama.cpp's and those of transformers' logits."""
    tokens, logits = families.reference(name)
    largest, count = 0.0, 0
    for place in PLACES:
        theirs = logits[place - 1].astype(np.float64)
        theirs -= theirs.max()
        theirs -= np.log(np.exp(theirs).sum())
        ours = generate(output, tokens[:place], 1, len(theirs))["candidates"]
        count += len(ours)
        largest = max([largest, *(abs(theirs[token] - value) for token, value in ours)])
    # Tokens that are no text of their own have no candidates.
    assert count >= logits.shape[1], f"{count} probabilities"
    return largest


def check_families(checks, quern, folder):
    recipe = folder / "floats.json5"
    recipe.write_text(FLOATS)
    for name in families.NAMES:
        model, output = families.with_tokenizer(name, folder / "families"), folder / f"{name}.gguf"
        options = ("--pre-tokenizer", "gpt-2") if name in BYTE_LEVEL else ()
        with checks.claim(f"{name}: keys, values and tensors are those of llama.cpp's converter"):
            quern.convert(model, recipe, output, "--overwrite", *options)
            equals_golden(output, families.golden(name))
        with checks.claim(f"{name}: verify passes"):
            quern.must("verify", output, "--against", model)
        with checks.claim(f"{name}: llama.cpp says what transformers says"):
            largest = largest_difference(output, name)
            assert largest <= LARGEST_DIFFERENCE, f"log probabilities differ by {largest:.1e}"
        with checks.claim(f"{name} q8_0: llama.cpp loads it and generates"):
            quern.convert(model, "q8_0", folder / f"{name}-q8_0.gguf", "--overwrite", *options)
            generate(folder / f"{name}-q8_0.gguf", V4_PROMPT, V4_TOKENS)


def check(checks, quern, folder):
    check_families(checks, quern, folder)
    for name, recipe, output in conversions(quern, folder):
        if name.startswith("stories260K") and recipe in TOKENS:
            count = TOKENS[recipe]
            with checks.claim(f"{name} {recipe}: llama.cpp tells {count} tokens of the story"):
                tells_the_story(output, count)
            continue
        with checks.claim(f"{name} {recipe}: llama.cpp loads it and generates"):
            generate(output, V4_PROMPT, V4_TOKENS)
        # Weights are random, so that the best tokens are nearly tied: other scales choose another one.
        if name in GOLDENS and recipe == "source":
            with checks.claim(f"{name} {recipe}: llama.cpp says what its own conversion says"):
                agrees_at_first(output, GOLDENS[name])
    check_plain_int8(checks, quern, folder)
    check_split(checks, quern, folder)


if __name__ == "__main__":
    raise SystemExit(main(__doc__, check))
