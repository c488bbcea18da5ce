#!/usr/bin/env python3
"""Quantizes a Hugging Face folder by the compressed-tensors library, in four ways, and writes what the
library itself decompresses them to, as checksums.

    make_compressed_tensors.py testdata/stories260K/bf16-3shard testdata/compressed-tensors
"""

import json
import pathlib
import shutil
import sys

import numpy as np
import torch
from compressed_tensors.compressors import ModelCompressor
from compressed_tensors.compressors.base import BaseCompressor
from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
from compressed_tensors.quantization.utils import calculate_qparams, is_module_quantized
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from checksums import checksum

WEIGHTS = {"type": "int", "symmetric": True}
DOWN = "re:.*down_proj$"
TOKENS = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "token", "dynamic": True}


def weights(bits, strategy, group=None):
    return {**WEIGHTS, "num_bits": bits, "strategy": strategy, "group_size": group}


RECIPES = {
    "w8a8": {
        "group_0": {
            "targets": ["Linear"], "weights": weights(8, "channel"), "input_activations": TOKENS}},
    # Rows of 172 are not whole groups of 32, nor whole words of eight codes.
    "w4a16-g32": {
        "group_0": {"targets": ["re:.*(q|k|v|o|gate|up)_proj$"],
                    "weights": weights(4, "group", 32)},
        "group_1": {"targets": [DOWN], "weights": weights(4, "channel")}},
    "w8a16-tensor": {"group_0": {"targets": ["Linear"], "weights": weights(8, "tensor")}},
    "w4a8": {
        "group_0": {
            "targets": ["Linear"], "weights": weights(4, "channel"), "input_activations": TOKENS}},
}


def set_scale(module):
    """Scales by the library's rule for the largest and least weights."""
    args = module.quantization_scheme.weights
    weight = module.weight.data.float()
    if args.strategy == "group":
        weight = weight.reshape(weight.shape[0], -1, args.group_size)
    elif args.strategy == "tensor":
        weight = weight.reshape(1, -1)
    scale, _ = calculate_qparams(weight.amin(-1), weight.amax(-1), args)
    module.weight_scale.data = scale.reshape(module.weight_scale.shape).to(torch.bfloat16)


def expected(module):
    """What the library decompresses to, in the scale's type and with scales widened to float32."""
    args, compressed = module.quantization_scheme, dict(module.state_dict())
    wide = {**compressed, "weight_scale": compressed["weight_scale"].float()}
    compressor = BaseCompressor.get_value_from_registry(args.format)
    exact = compressor.decompress(wide, args)["weight"]
    rounded = compressor.decompress(compressed, args)["weight"]
    assert exact.dtype == torch.float32 and rounded.dtype == torch.bfloat16
    return {
        "shape": list(exact.shape),
        "f32": checksum(exact.numpy().view(np.uint32)),
        "bf16": checksum(rounded.view(torch.int16).numpy().view(np.uint16)),
    }


def write(source, target, groups):
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16)
    config = QuantizationConfig(config_groups=groups, ignore=["lm_head"])
    apply_quantization_config(model, config)
    modules = {n: m for n, m in model.named_modules() if is_module_quantized(m)}
    for module in modules.values():
        set_scale(module)
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    values = {name + ".weight": expected(module) for name, module in modules.items()}
    tensors = {k: v.contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    target.mkdir(parents=True)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    shutil.copy(source / "config.json", target)
    compressor.update_config(target)
    (target / "expected.json").write_text(json.dumps(values, indent=1) + "\n")


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    for name, groups in RECIPES.items():
        write(source, target / name, groups)


if __name__ == "__main__":
    main()
