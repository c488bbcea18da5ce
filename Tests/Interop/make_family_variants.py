#!/usr/bin/env python3
"""Writes testdata/families/variants: what transformers computes from the weights of the small models
under other configurations.

    make_family_variants.py

`variants.json` says for each variant which model it changes and how; `variants.reference.safetensors`
holds `tokens` [160] and for each `NAME` the logits of the last tokens, [8, vocabulary]. transformers and
torch are needed.
"""

import json
import pathlib
import shutil
import tempfile

import torch
import transformers
from safetensors.torch import load_file, save_file

from families import FOLDER

LAST = 8
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}
V3_YARN = YARN | {"beta_fast": 32, "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0}


def rope(theta, **scaling):
    return {"rope_parameters": {"rope_theta": theta, "rope_type": "default"} | scaling}


def windowed(window, **more):
    """A window, and layer types only where they are given."""
    return {"use_sliding_window": True, "sliding_window": window, "layer_types": None} | more


VARIANTS = {
    "qwen2-window": ("qwen2", windowed(48, max_window_layers=1)),
    "qwen2-window-off": ("qwen2", windowed(48, max_window_layers=1, use_sliding_window=False)),
    "qwen2-layer-types": ("qwen2", windowed(
        48, layer_types=["sliding_attention", "full_attention", "full_attention"])),
    "qwen3-window": ("qwen3", windowed(33, max_window_layers=2)),
    "qwen2-moe-window": ("qwen2-moe", windowed(33, max_window_layers=2)),
    "qwen3-moe-window": ("qwen3-moe", windowed(33)),
    "mixtral-window": ("mixtral", {"sliding_window": 40}),
    "qwen2-moe-normalized": ("qwen2-moe", {"norm_topk_prob": True}),
    "qwen3-moe-not-normalized": ("qwen3-moe", {"norm_topk_prob": False}),
    "llama-linear": ("llama", rope(5e5, rope_type="linear", factor=4.0)),
    "llama-dynamic": ("llama", rope(5e5, rope_type="dynamic", factor=4.0)),
    "llama-yarn": ("llama", rope(5e5, **YARN)),
    "llama-yarn-factor": ("llama", rope(
        5e5, **YARN, attention_factor=1.3, beta_fast=16, beta_slow=2)),
    "llama-yarn-shrinking": ("llama", rope(5e5, **(YARN | {"factor": 0.5}))),
    "llama-yarn-magnitudes": ("llama", rope(5e5, **YARN, mscale=0.7, mscale_all_dim=1.3)),
    "qwen3-yarn": ("qwen3", rope(1e6, **YARN)),
    "deepseek-v3-plain": ("deepseek-v3", rope(1e4)),
    "deepseek-v3-magnitudes": ("deepseek-v3", rope(
        1e4, **(V3_YARN | {"mscale": 0.707, "mscale_all_dim": 1.2}))),
    "deepseek-v3-one-magnitude": ("deepseek-v3", rope(
        1e4, **(V3_YARN | {"mscale_all_dim": 0.0}))),
    "deepseek-v3-long": ("deepseek-v3", rope(
        1e4, **(V3_YARN | {"factor": 40.0, "mscale": 0.707, "mscale_all_dim": 0.707}))),
    "deepseek-v3-halves": ("deepseek-v3", {"rope_interleave": False}),
    "deepseek-v3-one-group": ("deepseek-v3", {"n_group": 1, "topk_group": 1}),
    "deepseek-v3-three-experts": ("deepseek-v3", {"num_experts_per_tok": 3, "topk_group": 3}),
    "deepseek-v3-not-normalized": ("deepseek-v3", {"norm_topk_prob": False}),
    "deepseek-v3-epsilon": ("deepseek-v3", {"rms_norm_eps": 1e-2}),
}


def logits(base, changes, tokens):
    with tempfile.TemporaryDirectory() as folder:
        for path in (FOLDER / base).iterdir():
            shutil.copy(path, folder)
        config = pathlib.Path(folder, "config.json")
        values = json.loads(config.read_text()) | changes
        config.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval()
        with torch.no_grad():
            return model(tokens[None], use_cache=False).logits[0, -LAST:].contiguous()


def main():
    torch.set_num_threads(1)
    tokens = load_file(FOLDER / "llama.reference.safetensors")["tokens"]
    result = {name: logits(*variant, tokens) for name, variant in VARIANTS.items()}
    save_file({"tokens": tokens} | result, FOLDER / "variants.reference.safetensors")
    table = {name: {"family": base, "config": changes}
             for name, (base, changes) in VARIANTS.items()}
    (FOLDER / "variants.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
