#!/usr/bin/env python3
"""Compares the logits of models with and without `--rotate`, in transformers.

    compare_rotation.py CHECKPOINT... [--quern BINARY] [--keep FOLDER]

Each checkpoint (Llama, Qwen, DeepSeek-V3: what transformers runs; a head of its own) is written for
vLLM and transformers (`--to compressed-tensors`) with every tensor in F32, as it is and rotated, so that nothing but the
rotation differs. The logits must be equal to a ten-thousandth of their spread; the weights must not be.
Needs torch and transformers, which `requirements.txt` leaves out; not part of `.ci/run`.
"""

import argparse
import pathlib

import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM

from support import ROOT, Checks, Quern, scratch

TOLERANCE = 1e-4


def weights(folder):
    tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():
                tensors[name] = file.get_tensor(name).float()
    return tensors


def logits(folder, tokens):
    config = AutoConfig.from_pretrained(folder)
    # Nothing is quantized: no package is needed to say so.
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_pretrained(folder, config=config, dtype=torch.float32)
    with torch.no_grad():
        return model.eval()(tokens).logits


def compare(checks, quern, checkpoint, folder):
    name = checkpoint.name
    recipe = folder / "f32.json5"
    recipe.write_text('{rules: [{match: "*", type: "f32"}]}\n')
    folders = {}
    for kind, flags in (("plain", ()), ("rotated", ("--rotate",))):
        folders[kind] = folder / f"{name}-{kind}"
        quern.must("convert", checkpoint, "--to", "compressed-tensors", "--recipe", recipe, "--mtp",
                   "drop", "--overwrite", "-o", folders[kind], *flags)
    with checks.claim(f"{name}: rotation changes weights"):
        plain, rotated = weights(folders["plain"]), weights(folders["rotated"])
        assert plain.keys() == rotated.keys(), plain.keys() ^ rotated.keys()
        changed = sum(not torch.allclose(plain[key], rotated[key], atol=1e-3) for key in plain)
        assert changed > len(plain) // 2, f"{changed} of {len(plain)} tensors"
    with checks.claim(f"{name}: rotation changes no logits"):
        torch.manual_seed(5)
        tokens = torch.randint(3, 500, (2, 100))
        left, right = (logits(folders[kind], tokens) for kind in ("plain", "rotated"))
        error = (left - right).abs().max().item()
        print(f"      largest difference {error:.2e}, logits' deviation {left.std().item():.2f}")
        assert error <= TOLERANCE * left.std().item(), error


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT")
    parser.add_argument("--quern", default=ROOT / ".build" / "release" / "quern",
                        help="the binary to test (default: .build/release/quern)")
    parser.add_argument("--keep", metavar="FOLDER", help="write the outputs here and leave them")
    options, checks = parser.parse_args(), Checks()
    with scratch(options.keep) as folder:
        for checkpoint in options.checkpoints:
            compare(checks, Quern(options.quern), pathlib.Path(checkpoint).resolve(), folder)
    return checks.finish()


if __name__ == "__main__":
    raise SystemExit(main())
