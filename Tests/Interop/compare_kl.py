#!/usr/bin/env python3
"""Compares files of Quern with those of llama-quantize by what the model then says.

    compare_kl.py --llama-quantize BINARY --text FILE [--imatrix FILE.gguf] [--checkpoint FOLDER]...
                  [--type TYPE]... [-o RESULT.json]

Each checkpoint (a Llama; without any, stories260K widened with four seeds) is quantized by
llama-quantize to each type, then by Quern with a recipe that gives every tensor the type it has in that
file. PyPI's gguf decodes both, transformers runs both in float32 on the same text, and the mean KL
divergence from the model as released is compared. With `--imatrix` everything is done once more with
it on both sides; it must belong to the checkpoints (those widened from one model with the same factor
share one). Without llama-quantize the comparison is skipped.

Chance moves one file's divergence by some five percent: read the geometric means.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys

import gguf

from divergence import Model
from support import ROOT, TESTDATA, Quern, scratch
from widen_llama import widen

TYPES = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K_S", "Q4_K_M", "Q5_K_M", "Q6_K", "IQ4_NL",
         "IQ4_XS")
SEEDS = (7, 8, 9, 10)
# Types of tensors that no encoder had a choice in.
UNQUANTIZED = ("F32", "F16", "BF16")


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def recipe(peer, path):
    """Writes a recipe with the type of every tensor in the peer's file."""
    rules = []
    for tensor in gguf.GGUFReader(peer).tensors:
        name = tensor.tensor_type.name
        method = "" if name in UNQUANTIZED else ', method: "auto"'
        rules.append(f'  {{match: "{tensor.name}", type: "{name.lower()}"{method}}},\n')
    path.write_text("{rules: [\n" + "".join(rules) + "]}\n")


class Comparison:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.quern = Quern(options.quern)
        self.rows = []

    def checkpoints(self):
        for folder in self.options.checkpoints:
            yield pathlib.Path(folder).name, folder
        if not self.options.checkpoints:
            for seed in SEEDS:
                folder = self.folder / f"seed-{seed}"
                if not folder.exists():
                    widen(TESTDATA / "stories260K" / "f32", folder, seed=seed)
                yield f"seed {seed}", folder

    def quantize(self, whole, name, imatrix):
        output = self.folder / "theirs.gguf"
        output.unlink(missing_ok=True)
        command = [self.options.llama_quantize]
        if imatrix:
            command += ["--imatrix", imatrix]
        command += [whole, output, name, "1"]
        result = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, errors="replace", check=False)
        if result.returncode != 0:
            sys.exit(f"llama-quantize {name}: exit {result.returncode}\n{result.stderr[-2000:]}")
        return output

    def convert(self, checkpoint, theirs, imatrix):
        rules, output = self.folder / "recipe.json5", self.folder / "ours.gguf"
        recipe(theirs, rules)
        self.quern.convert(checkpoint, rules, output, "--overwrite",
                           *(["--imatrix", imatrix] if imatrix else []))
        assert output.stat().st_size > 0
        return output

    def run(self):
        for label, checkpoint in self.checkpoints():
            model = Model(checkpoint, self.options.text, self.options.chunks)
            whole = self.folder / "whole.gguf"
            self.quern.convert(checkpoint, "source", whole, "--overwrite")
            print(f"{label}: as released {model.divergence(whole):.2g}", flush=True)
            for imatrix in dict.fromkeys((None, self.options.imatrix)):
                for name in self.options.types:
                    theirs = self.quantize(whole, name, imatrix)
                    ours = self.convert(checkpoint, theirs, imatrix)
                    row = {"model": label, "type": name, "imatrix": imatrix is not None,
                           "theirs": model.divergence(theirs), "ours": model.divergence(ours)}
                    row["ratio"] = row["ours"] / row["theirs"]
                    self.rows.append(row)
                    print(f"  {name:8} {'imatrix' if imatrix else '':8} {row['theirs']:.6f} "
                          f"{row['ours']:.6f} {row['ratio']:.3f}", flush=True)

    def summary(self):
        """Per type the geometric mean over the models; over all, that of all ratios."""
        result = {}
        for imatrix in dict.fromkeys(row["imatrix"] for row in self.rows):
            rows = [row for row in self.rows if row["imatrix"] == imatrix]
            types = {name: geometric_mean([row["ratio"] for row in rows if row["type"] == name])
                     for name in dict.fromkeys(row["type"] for row in rows)}
            result["with imatrix" if imatrix else "without"] = {
                "types": types, "mean": geometric_mean(list(types.values())),
                "worst": max(row["ratio"] for row in rows)}
        return result


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quern", default=ROOT / ".build" / "release" / "quern")
    parser.add_argument("--llama-quantize", metavar="BINARY", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--imatrix")
    parser.add_argument("--checkpoint", dest="checkpoints", action="append", default=[])
    parser.add_argument("--type", dest="types", action="append")
    parser.add_argument("--chunks", type=int, default=100)
    parser.add_argument("--keep", metavar="FOLDER", help="work here and leave everything")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="RESULT.json")
    options = parser.parse_args()
    options.types = options.types or TYPES
    return options


def main():
    options = parse()
    if not pathlib.Path(options.llama_quantize).exists():
        print(f"skipped: llama-quantize is not there ({options.llama_quantize})")
        return 0
    with scratch(options.keep) as folder:
        comparison = Comparison(options, folder)
        comparison.run()
    summary = comparison.summary()
    for name, part in summary.items():
        print(f"\n{name}: ratio of divergences, geometric mean over the models")
        for kind, ratio in part["types"].items():
            print(f"  {kind:8} {ratio:.3f}")
        print(f"  mean {part['mean']:.3f}, worst single {part['worst']:.3f}")
    if options.output:
        options.output.write_text(
            json.dumps({"summary": summary, "rows": comparison.rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
