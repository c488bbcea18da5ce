"""An independent reading of a checkpoint: what every GGUF tensor must hold, as numpy arrays.

Nothing here knows how Quern works. The safetensors library reads the files, ml_dtypes decodes the
encodings, and the names and the q/k permutation are written out from the published formats.
"""

import dataclasses
import json
import re

import ml_dtypes
import numpy as np
import safetensors

_STORED = {
    "F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16, "I64": np.int64,
    "I32": np.int32, "I8": np.int8, "U8": np.uint8, "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2, "F8_E8M0": ml_dtypes.float8_e8m0fnu,
}


@dataclasses.dataclass
class Tensor:
    """What one GGUF tensor must decode to.

    `values` is float32 (int32 for tables) in row-major order, so its shape is the reverse of the
    GGUF's `ne`. `encoding` is F32, F16, BF16, FP8, FP4 or I64.
    """

    values: np.ndarray
    encoding: str
    sources: list


def stored_tensors(folder):
    """Every tensor of every shard, as stored: {name: array}."""
    tensors = {}
    for shard in sorted(folder.glob("*.safetensors")):
        for name, entry in safetensors.deserialize(shard.read_bytes()):
            array = np.frombuffer(bytes(entry["data"]), dtype=_STORED[entry["dtype"]])
            tensors[name] = array.reshape(entry["shape"])
    return tensors


def decode_fp8(codes, scales, block):
    """Each value is code × the scale of its block, rounded once to float32."""
    wide = np.repeat(np.repeat(scales.astype(np.float32), block[0], 0), block[1], 1)
    return codes.astype(np.float32) * wide[: codes.shape[0], : codes.shape[1]]


def decode_fp4(packed, scales):
    """Byte j holds element 2j in the low nibble; 32 elements share one scale."""
    table = np.arange(16, dtype=np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float32)
    codes = packed.view(np.uint8)
    values = np.stack([table[codes & 15], table[codes >> 4]], axis=-1)
    values = values.reshape(packed.shape[0], packed.shape[1] * 2)
    return values * np.repeat(scales.astype(np.float32), 32, axis=1)


def logical(tensors, name, block):
    """Decodes one weight with its scale, if it has one."""
    array = tensors[name]
    scale_name = name.removesuffix(".weight") + ".scale"
    if scale_name not in tensors:
        if array.dtype == np.int64:
            return Tensor(array.astype(np.int32), "I64", [name])
        encoding = {"bfloat16": "BF16", "float32": "F32", "float16": "F16"}[array.dtype.name]
        return Tensor(array.astype(np.float32), encoding, [name])
    sources, scales = [name, scale_name], tensors[scale_name]
    if array.dtype in (np.int8, np.uint8):
        return Tensor(decode_fp4(array, scales), "FP4", sources)
    return Tensor(decode_fp8(array, scales, block), "FP8", sources)


def llama_rows(values, head_count):
    """Rotated halves to adjacent pairs: output row h·d+i is source row h·d + (i mod 2)·d/2 + i÷2."""
    head = values.shape[0] // head_count
    row = np.arange(values.shape[0])
    inside = row % head
    return values[row - inside + (inside % 2) * (head // 2) + inside // 2]


_LLAMA = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_LLAMA_TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}

_V4_TOP = {
    "embed.weight": "token_embd", "norm.weight": "output_norm", "head.weight": "output",
    "hc_head_fn": "output_hc_fn", "hc_head_base": "output_hc_base",
    "hc_head_scale": "output_hc_scale",
}
_V4 = {
    "attn_norm.weight": "attn_norm", "ffn_norm.weight": "ffn_norm", "attn.attn_sink": "attn_sinks",
    "attn.wq_a.weight": "attn_q_a", "attn.q_norm.weight": "attn_q_a_norm",
    "attn.wq_b.weight": "attn_q_b", "attn.wkv.weight": "attn_kv",
    "attn.kv_norm.weight": "attn_kv_a_norm", "attn.wo_a.weight": "attn_output_a",
    "attn.wo_b.weight": "attn_output_b", "attn.indexer.wq_b.weight": "indexer.attn_q_b",
    "attn.indexer.weights_proj.weight": "indexer.proj", "ffn.gate.weight": "ffn_gate_inp",
    "ffn.gate.tid2eid": "ffn_gate_tid2eid",
    "ffn.shared_experts.w1.weight": "ffn_gate_shexp",
    "ffn.shared_experts.w2.weight": "ffn_down_shexp",
    "ffn.shared_experts.w3.weight": "ffn_up_shexp",
}
for _part in ("fn", "base", "scale"):
    for _site in ("hc_attn", "hc_ffn"):
        _V4[f"{_site}_{_part}"] = f"{_site}_{_part}"
for _source, _target in (("attn.compressor", "attn_compressor"),
                         ("attn.indexer.compressor", "indexer_compressor")):
    _V4 |= {f"{_source}.ape": f"{_target}_ape", f"{_source}.norm.weight": f"{_target}_norm",
            f"{_source}.wkv.weight": f"{_target}_kv", f"{_source}.wgate.weight": f"{_target}_gate"}
_V4_EXPERTS = {"w1": "ffn_gate_exps", "w2": "ffn_down_exps", "w3": "ffn_up_exps"}


def _llama(tensors, config):
    out = {}
    for name in tensors:
        layer = re.fullmatch(r"model\.layers\.(\d+)\.(.+)\.weight", name)
        tensor = logical(tensors, name, None)
        if not layer:
            out[f"{_LLAMA_TOP[name.removesuffix('.weight')]}.weight"] = tensor
            continue
        heads = {"self_attn.q_proj": config["num_attention_heads"],
                 "self_attn.k_proj": config["num_key_value_heads"]}.get(layer[2])
        if heads:
            tensor.values = llama_rows(tensor.values, heads)
        out[f"blk.{layer[1]}.{_LLAMA[layer[2]]}.weight"] = tensor
    return out


def _deepseek_v4(tensors, config):
    block = config["quantization_config"]["weight_block_size"]
    out = {}
    for name, gguf in _V4_TOP.items():
        out[f"{gguf}.weight"] = logical(tensors, name, block)
    for layer in range(config["num_hidden_layers"]):
        for name, gguf in _V4.items():
            source = f"layers.{layer}.{name}"
            if source in tensors:
                out[f"blk.{layer}.{gguf}.weight"] = logical(tensors, source, block)
        if layer >= config["num_hash_layers"]:
            out[f"blk.{layer}.exp_probs_b.bias"] = logical(
                tensors, f"layers.{layer}.ffn.gate.bias", block)
        for name, gguf in _V4_EXPERTS.items():
            parts = [logical(tensors, f"layers.{layer}.ffn.experts.{expert}.{name}.weight", block)
                     for expert in range(config["n_routed_experts"])]
            out[f"blk.{layer}.{gguf}.weight"] = Tensor(
                np.stack([part.values for part in parts]), parts[0].encoding,
                [source for part in parts for source in part.sources])
    return out


def expected_tensors(folder):
    """{GGUF name: Tensor} of the main file, draft layers left out."""
    config = json.loads((folder / "config.json").read_text())
    build = {"llama": _llama, "deepseek_v4": _deepseek_v4}[config["model_type"]]
    return build(stored_tensors(folder), config)
