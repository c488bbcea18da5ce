#!/usr/bin/env python3
"""Collects calibration statistics of a Llama, and compares gptq with the other methods by KL divergence.

    gptq_statistics.py --text FILE [--checkpoint FOLDER]... [--type TYPE]... [--act-order]
                       [--statistics OUTPUT.safetensors] [-o RESULT.json]

transformers runs the checkpoint (without any, stories260K) in float32 on the first part of the text; the
inputs of every matrix are added up as `formats/calibration` says. Quern then converts the matrices to
each type by its reference rule, with scales of least error, and with gptq, and what the model says on
the rest of the text is compared with what it said as released. All else keeps its values.

`--statistics` only writes the file, of one checkpoint.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.numpy import save_file

from divergence import BATCH, LAYER, Model
from support import ROOT, TESTDATA, Quern, scratch

WIDTH = 512
TYPES = ("q4_0", "iq4_nl", "q4_1", "q4_k")
# Matrices with the same inputs.
SHARED = {"attn_k": "attn_q", "attn_v": "attn_q", "ffn_up": "ffn_gate"}
OWNERS = [name for name in LAYER if "norm" not in name and name not in SHARED]
# Formats whose reference encoder searches, and has a word of its own in recipes.
SEARCHED = ("q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs")


class Statistics:
    """Sums of x xᵀ of the inputs of a model's matrices, in float64."""

    def __init__(self, model):
        self.sums, self.counts, hooks = {}, {}, []
        for index, layer in enumerate(model.model.model.layers):
            for name in OWNERS:
                module = layer.get_submodule(LAYER[name])
                weight = f"blk.{index}.{name}.weight"
                hooks.append(module.register_forward_hook(
                    lambda _, inputs, __, weight=weight: self.add(weight, inputs[0])))
        with torch.no_grad():
            for batch in model.tokens.split(BATCH):
                model.model(batch)
        for hook in hooks:
            hook.remove()
        self.layers = len(model.model.model.layers)
        self.tokens = model.tokens.numel()

    def add(self, weight, inputs):
        rows = inputs.reshape(-1, inputs.shape[-1]).double()
        blocks = [part.T @ part for part in rows.split(WIDTH, dim=1)]
        before = self.sums.get(weight)
        self.sums[weight] = [a + b for a, b in zip(before, blocks)] if before else blocks
        self.counts[weight] = self.counts.get(weight, 0) + len(rows)

    def save(self, path, name):
        arrays = {}
        for weight, blocks in self.sums.items():
            arrays[weight + ".count"] = np.array([self.counts[weight]], np.int64)
            for index, block in enumerate(blocks):
                arrays[f"{weight}.hessian.{index}"] = block.numpy().astype(np.float32)
        metadata = {"format": "quern-calibration", "version": "1", "model": name,
                    "tokens": str(self.tokens)}
        for index in range(self.layers):
            for member, owner in SHARED.items():
                metadata[f"inputs of blk.{index}.{member}.weight"] = f"blk.{index}.{owner}.weight"
        save_file(arrays, path, metadata=metadata)


def matrices(model, kind):
    """The names of the matrices whose rows are whole blocks of a type."""
    length = 256 if kind.endswith(("_k", "_xs")) else 32
    sizes = {"ffn_down": model.config.intermediate_size,
             "attn_output": model.config.num_attention_heads * model.config.head_dim}
    names = [name for name in LAYER if "norm" not in name]
    return [name for name in names if sizes.get(name, model.config.hidden_size) % length == 0]


def recipe(path, names, kind, method, act_order):
    order = ", actOrder: true" if act_order and method == "gptq" else ""
    rules = [f'  {{match: "blk.*.{name}.weight", type: "{kind}", method: "{method}"{order}}},\n'
             for name in names]
    path.write_text("{rules: [\n" + "".join(rules) + "]}\n")
    return path


class Comparison:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.quern = Quern(options.quern)
        self.rows = []
        text = pathlib.Path(options.text).read_text(encoding="utf-8")
        cut = len(text) * 6 // 10
        self.seen, self.unseen = folder / "seen.txt", folder / "unseen.txt"
        self.seen.write_text(text[:cut], encoding="utf-8")
        self.unseen.write_text(text[cut:], encoding="utf-8")

    def collect(self, checkpoint, path):
        Statistics(Model(checkpoint, self.seen, 1000)).save(path, pathlib.Path(checkpoint).name)

    def run(self, checkpoint):
        statistics = self.folder / "statistics.safetensors"
        self.collect(checkpoint, statistics)
        model = Model(checkpoint, self.unseen, self.options.chunks)
        label = pathlib.Path(checkpoint).name
        for kind in self.options.types:
            names = matrices(model.model, kind)
            if not names:
                continue
            row = {"model": label, "type": kind}
            for method in ("reference", "optimal", "gptq"):
                row[method] = self.divergence(model, checkpoint, names, kind, method, statistics)
            row["to reference"] = row["gptq"] / row["reference"]
            row["to optimal"] = row["gptq"] / row["optimal"]
            self.rows.append(row)
            print(f"{label}: {kind:7} reference {row['reference']:.6f}  optimal "
                  f"{row['optimal']:.6f}  gptq {row['gptq']:.6f}  ratio to reference "
                  f"{row['to reference']:.3f}, to optimal {row['to optimal']:.3f}", flush=True)

    def divergence(self, model, checkpoint, names, kind, method, statistics):
        word = method
        if method == "reference":
            word = "ggml" if kind in SEARCHED else "absmax"
        rules = recipe(self.folder / "recipe.json5", names, kind, word, self.options.act_order)
        output = self.folder / "out.gguf"
        extra = ["--calibration", statistics] if method == "gptq" else []
        self.quern.convert(checkpoint, rules, output, "--overwrite", *extra)
        return model.divergence(output)


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quern", default=ROOT / ".build" / "release" / "quern")
    parser.add_argument("--text", required=True)
    parser.add_argument("--checkpoint", dest="checkpoints", action="append", default=[])
    parser.add_argument("--type", dest="types", action="append")
    parser.add_argument("--act-order", action="store_true")
    parser.add_argument("--chunks", type=int, default=100)
    parser.add_argument("--statistics", metavar="OUTPUT.safetensors")
    parser.add_argument("--keep", metavar="FOLDER", help="work here and leave everything")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="RESULT.json")
    options = parser.parse_args()
    options.types = options.types or TYPES
    options.checkpoints = options.checkpoints or [TESTDATA / "stories260K" / "f32"]
    return options


def main():
    options = parse()
    with scratch(options.keep) as folder:
        comparison = Comparison(options, folder)
        if options.statistics:
            comparison.collect(options.checkpoints[0], options.statistics)
            return 0
        for checkpoint in options.checkpoints:
            comparison.run(checkpoint)
    if options.output:
        options.output.write_text(json.dumps(comparison.rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
