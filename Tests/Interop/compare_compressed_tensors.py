#!/usr/bin/env python3
"""Has the compressed-tensors library and transformers load what Quern writes with `--to compressed-tensors`.

Needs torch, transformers, accelerate and compressed-tensors beside numpy and safetensors, and is therefore no
part of `.ci/run`.
"""

import json
import os
import shutil

import numpy as np
import safetensors.torch
import torch
from compressed_tensors.compressors.base import BaseCompressor
from compressed_tensors.quantization import QuantizationConfig
from transformers import AutoModelForCausalLM

from support import TESTDATA, main

os.environ.setdefault("HF_HUB_OFFLINE", "1")
SOURCE = TESTDATA / "stories260K" / "f32"
EVERYTHING_F32 = '{rules: [{match: "*", type: "f32"}]}'
RECIPES = {
    "w8a8": "w8a8",
    # Rows of 172 are no whole groups of 32: they stay float.
    "w4a16": """{rules: [
      {match: "*.down_proj.weight", type: "source"},
      {match: "role:attention", type: "w4a16_g32"}, {match: "role:feed-forward", type: "w4a16_g32"}]}""",
    "mixed": """{rules: [
      {match: "*.down_proj.weight", type: "w8a8"},
      {match: "role:attention", type: "w8a16_g64"}, {match: "role:feed-forward", type: "w4a16_g32"}]}""",
}
PARTS = {"weight_packed", "weight_scale", "weight_shape"}


def tensors(folder):
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        found |= safetensors.torch.load_file(path)
    return found


def config(folder):
    return json.loads((folder / "config.json").read_text()).get("quantization_config")


def schemes(folder, stored):
    """The scheme of every module with codes, found as the library does: ignored ones have none."""
    parsed = QuantizationConfig.model_validate(config(folder))
    modules = sorted({name.rpartition(".")[0] for name in stored if name.endswith(".weight_scale")})
    found = {}
    for module in modules:
        assert module not in parsed.ignore, f"{module} has codes and is ignored"
        matching = [scheme for scheme in parsed.config_groups.values()
                    if module in scheme.targets or scheme.targets == ["Linear"]]
        assert len(matching) == 1, f"{module}: {len(matching)} schemes"
        found[module] = matching[0]
    return found


def decompressed(folder):
    """What the library makes of every module; scales are widened, so that it multiplies in float32."""
    stored = tensors(folder)
    values = {}
    for module, scheme in schemes(folder, stored).items():
        own = {leaf: stored[f"{module}.{leaf}"] for leaf in PARTS | {"weight"}
               if f"{module}.{leaf}" in stored}
        assert own["weight_scale"].dtype == torch.bfloat16
        own["weight_scale"] = own["weight_scale"].float()
        compressor = BaseCompressor.get_value_from_registry(scheme.format)
        values[f"{module}.weight"] = compressor.decompress(own, scheme)["weight"]
    return values


def same(one, other):
    return one.shape == other.shape and np.array_equal(
        one.float().numpy().view(np.uint32), other.float().numpy().view(np.uint32))


def check_values(checks, quern, name, folder, decoded):
    """The library's values are those of the reader of this project, and those of the certificate."""
    source, ours = tensors(SOURCE), tensors(decoded)
    theirs = decompressed(folder)
    with checks.claim(f"{name}: the library decompresses {len(theirs)} matrices to our values, bit for bit"):
        assert theirs
        for key, values in theirs.items():
            assert same(values, ours[key]), key
    with checks.claim(f"{name}: and finds the errors of the certificate"):
        rows = json.loads((folder / "quern-certificate.json").read_text())["tensors"]
        rows = {row["name"]: row for row in rows}
        for key, values in theirs.items():
            noise = float(((values.double() - source[key].double()) ** 2).sum())
            assert abs(noise - rows[key]["noise"]) <= 1e-12 * noise, (key, noise, rows[key]["noise"])
    with checks.claim(f"{name}: everything else is as it was"):
        stored = tensors(folder)
        for key, values in stored.items():
            if key.rpartition(".")[2] not in PARTS and key not in theirs:
                assert same(values, source[key]), key


def quantized(inputs):
    """Eight bits, a scale for each token, by the library's rule."""
    scale = inputs.abs().amax(-1, keepdim=True) / 127.5
    return (inputs / scale).round().clamp(-128, 127) * scale


def logits(folder, quantizes_inputs_of=()):
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True)
    complaints = {key: sorted(value) for key, value in info.items() if value}
    assert not complaints, complaints
    for name, module in model.named_modules():
        if f"{name}.weight" in quantizes_inputs_of:
            module.register_forward_pre_hook(lambda _, inputs: (quantized(inputs[0]),))
    with torch.no_grad():
        return model.eval()(torch.arange(3, 131)[None]).logits


def check_logits(checks, name, folder, decoded):
    integer_inputs = {f"{module}.weight" for module, scheme in schemes(folder, tensors(folder)).items()
                      if scheme.input_activations}
    with checks.claim(f"{name}: transformers loads it and gives the logits of the values"):
        found, wanted = logits(folder), logits(decoded, integer_inputs)
        error = float((found - wanted).norm() / wanted.norm())
        change = float((found - logits(SOURCE)).norm() / wanted.norm())
        print(f"      relative difference {error:.1e}; to the source's {change:.1e}")
        assert error < 1e-5, error


def homegrown(folder):
    """The same weights as a model that nobody knows."""
    target = folder / "homegrown"
    shutil.copytree(SOURCE, target)
    text = json.loads((target / "config.json").read_text())
    text |= {"architectures": ["HomegrownForCausalLM"], "model_type": "homegrown"}
    (target / "config.json").write_text(json.dumps(text))
    return target


def check(checks, quern, folder):
    everything = folder / "f32.json5"
    everything.write_text(EVERYTHING_F32)
    for name, source in (("stories260K", SOURCE), ("model-free", homegrown(folder))):
        for recipe, text in RECIPES.items():
            if text.startswith("{"):
                path = folder / f"{recipe}.json5"
                path.write_text(text)
                text = path
            output, decoded = folder / f"{name}-{recipe}", folder / f"{name}-{recipe}-f32"
            quern.must("convert", source, "--to", "compressed-tensors", "--recipe", text, "-o", output)
            quern.must("convert", output, "--to", "compressed-tensors", "--recipe", everything,
                       "-o", decoded)
            with checks.claim(f"{name} {recipe}: floats alone have no quantization_config"):
                assert config(output) and config(decoded) is None
            check_values(checks, quern, f"{name} {recipe}", output, decoded)
            if source == SOURCE:
                check_logits(checks, f"{name} {recipe}", output, decoded)


if __name__ == "__main__":
    raise SystemExit(main(__doc__, check))
