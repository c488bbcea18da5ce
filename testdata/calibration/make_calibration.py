#!/usr/bin/env python3
"""What the inputs of some weights of a Qwen3-MoE are like, by transformers in float32.

    make_calibration.py FOLDER REFERENCE.safetensors OUT.safetensors

Runs the tokens of REFERENCE as sequences of 40 and writes, for layer 1, of attn_q, attn_output and the
experts' gate and down (as GGUF calls them): `NAME.counts` [experts or 1], `NAME.squares` (sums of x²
of each expert), `NAME.maxima` and `NAME.means` of |x|, `NAME.range`, `NAME.gram` (sums of x xᵀ). Of
ffn_gate_exps all but counts and squares are of the experts together.
"""

import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

LAYER, LENGTH = 1, 40
folder, reference, out = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(
    folder, dtype=torch.float32, attn_implementation="eager").eval()
block = model.model.layers[LAYER]
seen = {}


def keep(name):
    def hook(module, arguments):
        seen.setdefault(name, []).append(arguments[0].detach().reshape(-1, arguments[0].shape[-1]))
    return hook


block.self_attn.q_proj.register_forward_pre_hook(keep("attn_q"))
block.self_attn.o_proj.register_forward_pre_hook(keep("attn_output"))
block.mlp.register_forward_pre_hook(keep("mlp"))
tokens = load_file(reference)["tokens"].flatten()
count = len(tokens) // LENGTH
with torch.no_grad():
    model(tokens[:count * LENGTH].reshape(count, LENGTH))
    x = torch.cat(seen.pop("mlp")).double()
    source = load_file(f"{folder}/model.safetensors")
    prefix = f"model.layers.{LAYER}.mlp."
    experts = sum(name.startswith(prefix + "experts.") for name in source) // 3
    weight = lambda name: source[prefix + name].double()
    used = model.config.num_experts_per_tok
    chosen = (x @ weight("gate.weight").T).topk(used, dim=-1).indices
    gates, downs = [], []
    for expert in range(experts):
        rows = x[(chosen == expert).any(-1)]
        hidden = rows @ weight(f"experts.{expert}.gate_proj.weight").T
        hidden = torch.nn.functional.silu(hidden)
        hidden = hidden * (rows @ weight(f"experts.{expert}.up_proj.weight").T)
        gates.append(rows)
        downs.append(hidden)

result = {}


def add(name, parts, pooled):
    result[name + ".counts"] = torch.tensor([len(p) for p in parts])
    result[name + ".squares"] = torch.stack([(p ** 2).sum(0) for p in parts]).float()
    together = [torch.cat(parts)] if pooled else parts
    result[name + ".maxima"] = torch.stack([p.abs().amax(0) for p in together]).float()
    result[name + ".means"] = torch.stack([p.abs().mean(0) for p in together]).float()
    result[name + ".gram"] = torch.stack([p.T @ p for p in together]).float()
    whole = torch.cat(parts)
    result[name + ".range"] = torch.stack([whole.min(), whole.max()]).float()


for name in ("attn_q", "attn_output"):
    add(name, [torch.cat(seen[name]).double()], True)
add("ffn_gate_exps", gates, True)
add("ffn_down_exps", downs, False)
save_file(result, out)
print({name: tuple(t.shape) for name, t in result.items()}, result["ffn_down_exps.counts"])
