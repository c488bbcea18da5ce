"""KL divergence of a Llama with other weights from the model as released, both in float32.

The rule is llama-perplexity's: chunks of equal length, the first token of each replaced by the
beginning of a sequence, the second half scored.
"""

import pathlib

import gguf
import numpy as np
import torch
import transformers

CONTEXT = 128
BATCH = 20

# Names of Llama's tensors in a GGUF, and in a checkpoint.
WHOLE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
         "output.weight": "lm_head.weight"}
LAYER = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def checkpoint_name(name):
    if name in WHOLE:
        return WHOLE[name]
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{LAYER[part]}.weight"


def unpermuted(rows, heads):
    """Rows of a query or key matrix in the order of a checkpoint: in a GGUF the two halves of a head
    are interleaved."""
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


class Model:
    """A checkpoint, its tokens and its log-probabilities."""

    def __init__(self, folder, text, chunks):
        transformers.logging.set_verbosity_error()
        self.model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32).eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        tokens = tokenizer(pathlib.Path(text).read_text(encoding="utf-8"))["input_ids"]
        count = min(chunks, len(tokens) // CONTEXT)
        self.tokens = torch.tensor(tokens[:count * CONTEXT]).reshape(count, CONTEXT)
        self.tokens[:, 0] = tokenizer.bos_token_id
        self.released = self.log_probabilities()

    def log_probabilities(self):
        scored = slice(CONTEXT // 2, CONTEXT - 1)
        with torch.no_grad():
            return torch.cat([
                torch.log_softmax(self.model(batch).logits[:, scored].double(), -1)
                for batch in self.tokens.split(BATCH)])

    def divergence(self, path):
        """Mean KL divergence, in nats a token, with the weights of a GGUF file."""
        config = self.model.config
        weights = {}
        for tensor in gguf.GGUFReader(path).tensors:
            values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            values = values.reshape([int(size) for size in reversed(tensor.shape)])
            if ".attn_q." in tensor.name:
                values = unpermuted(values, config.num_attention_heads)
            if ".attn_k." in tensor.name:
                values = unpermuted(values, config.num_key_value_heads)
            weights[checkpoint_name(tensor.name)] = torch.from_numpy(np.ascontiguousarray(values))
        if config.tie_word_embeddings:
            weights.setdefault("lm_head.weight", weights["model.embed_tokens.weight"])
        self.model.load_state_dict(weights, strict=True)
        other = self.log_probabilities()
        return float((self.released.exp() * (self.released - other)).sum(-1).mean())
