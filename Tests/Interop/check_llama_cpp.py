#!/usr/bin/env python3
"""Runs what `quern convert` writes in llama.cpp itself (PyPI's xllamacpp)."""

import json
import math
import pathlib
import subprocess
import sys

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
GENERATE = pathlib.Path(__file__).with_name("llama_cpp_generate.py")


def generate(model, prompt, count):
    result = subprocess.run(
        [sys.executable, str(GENERATE), str(model), json.dumps(prompt), str(count)],
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


def check(checks, quern, folder):
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
