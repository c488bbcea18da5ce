#!/usr/bin/env python3
"""Writes a random BF16 Llama checkpoint of a given size, for measurements.

    make_llama.py FOLDER [--size 1.8GB] [--shards 2]

Real names, shapes and config; the tokenizer is stories260K's. The weights are normal deviates of a
fixed seed, so two runs write the same bytes. Prints the exact number of bytes of weights.
"""

import argparse
import json
import pathlib
import shutil

import numpy as np

from support import TESTDATA, byte_size

HIDDEN, FEED_FORWARD, HEADS, KV_HEADS, HEAD, VOCAB = 2048, 5632, 32, 8, 64, 512
TOKENIZER = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json",
             "special_tokens_map.json", "generation_config.json")


def layer_tensors(layer):
    prefix = f"model.layers.{layer}."
    return {
        f"{prefix}input_layernorm.weight": [HIDDEN],
        f"{prefix}self_attn.q_proj.weight": [HEADS * HEAD, HIDDEN],
        f"{prefix}self_attn.k_proj.weight": [KV_HEADS * HEAD, HIDDEN],
        f"{prefix}self_attn.v_proj.weight": [KV_HEADS * HEAD, HIDDEN],
        f"{prefix}self_attn.o_proj.weight": [HIDDEN, HEADS * HEAD],
        f"{prefix}post_attention_layernorm.weight": [HIDDEN],
        f"{prefix}mlp.gate_proj.weight": [FEED_FORWARD, HIDDEN],
        f"{prefix}mlp.up_proj.weight": [FEED_FORWARD, HIDDEN],
        f"{prefix}mlp.down_proj.weight": [HIDDEN, FEED_FORWARD],
    }


def byte_count(shape):
    return 2 * int(np.prod(shape))


def bf16(random, shape):
    """Normal deviates times 0.02, rounded to the nearest BF16; norms are close to one."""
    values = random.standard_normal(shape, dtype=np.float32) * np.float32(0.02)
    if len(shape) == 1:
        values += np.float32(1)
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def write_shard(path, tensors, random):
    header, offset = {}, 0
    for name, shape in tensors.items():
        end = offset + byte_count(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for shape in tensors.values():
            file.write(bf16(random, shape).tobytes())


def make(folder, size, shards=2):
    """Writes about `size` bytes of weights to `folder`; returns the exact number."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    per_layer = sum(map(byte_count, layer_tensors(0).values()))
    layers = max(shards, round(size / per_layer))
    groups = [{} for _ in range(shards)]
    groups[0]["model.embed_tokens.weight"] = [VOCAB, HIDDEN]
    for layer in range(layers):
        groups[layer * shards // layers] |= layer_tensors(layer)
    groups[-1] |= {"model.norm.weight": [HIDDEN], "lm_head.weight": [VOCAB, HIDDEN]}
    random, weight_map = np.random.default_rng(260), {}
    for number, group in enumerate(groups, 1):
        name = f"model-{number:05d}-of-{shards:05d}.safetensors"
        write_shard(folder / name, group, random)
        weight_map |= dict.fromkeys(group, name)
    total = sum(byte_count(shape) for group in groups for shape in group.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))
    write_config(folder, layers)
    return total


def write_config(folder, layers):
    story = TESTDATA / "stories260K" / "f32"
    config = json.loads((story / "config.json").read_text())
    config |= {"hidden_size": HIDDEN, "intermediate_size": FEED_FORWARD, "head_dim": HEAD,
               "num_hidden_layers": layers, "num_attention_heads": HEADS,
               "num_key_value_heads": KV_HEADS, "tie_word_embeddings": False,
               "torch_dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    for name in TOKENIZER:
        shutil.copyfile(story / name, folder / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--size", type=byte_size, default=byte_size("1.8GB"))
    parser.add_argument("--shards", type=int, default=2)
    options = parser.parse_args()
    print(make(options.folder, options.size, options.shards))


if __name__ == "__main__":
    main()
