#!/usr/bin/env python3
"""Makes a wider Llama of the same function: the same logits, larger and different matrices.

    widen_llama.py CHECKPOINT OUTPUT [--factor 4] [--feed-forward 192] [--seed 7]

Every channel of the residual stream, every head and every unit of the feed-forward layer is there
`factor` times. A matrix of the small model becomes factor × factor copies of itself, divided by the
factor; to each copy noise is added that sums to zero over the copies of a column, so that inputs which
are equal in all copies meet no noise at all. Units of zeros bring the feed-forward layer to a width
that blocks of 256 divide. Embedding and head are no longer tied. Weights are stored in BF16.

What depends on chance when such a model is quantized can be averaged over seeds.
"""

import argparse
import json
import pathlib
import shutil

import ml_dtypes
import numpy as np
from safetensors import numpy as tensors

NOISE = 0.5  # standard deviation of the noise, of that of the matrix
COPIED = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json",
          "generation_config.json")


class Widening:
    def __init__(self, factor, width, seed):
        self.factor, self.width, self.random = factor, width, np.random.default_rng(seed)

    def matrix(self, weights, row_copies):
        rows, columns = weights.shape
        noise = self.random.standard_normal((row_copies, rows, self.factor, columns))
        noise -= noise.mean(2, keepdims=True)
        wide = (weights[None, :, None, :] + NOISE * weights.std() * noise) / self.factor
        return wide.reshape(row_copies * rows, self.factor * columns)

    def tensor(self, name, weights):
        if weights.ndim == 1:
            return np.tile(weights, self.factor)
        if name == "model.embed_tokens.weight":
            return np.tile(weights, (1, self.factor))
        if name == "lm_head.weight":
            return self.matrix(weights, 1)
        if "gate_proj" in name or "up_proj" in name:
            weights = np.pad(weights, ((0, self.width - weights.shape[0]), (0, 0)))
        if "down_proj" in name:
            weights = np.pad(weights, ((0, 0), (0, self.width - weights.shape[1])))
        return self.matrix(weights, self.factor)


def widen(checkpoint, output, factor=4, width=192, seed=7):
    """Writes the wide model's folder."""
    checkpoint, output = pathlib.Path(checkpoint), pathlib.Path(output)
    source = {name: tensor.astype(np.float64) for name, tensor in
              tensors.load_file(checkpoint / "model.safetensors").items()}
    source.setdefault("lm_head.weight", source["model.embed_tokens.weight"])
    widening = Widening(factor, width, seed)
    output.mkdir(parents=True)
    tensors.save_file(
        {name: np.ascontiguousarray(widening.tensor(name, source[name]).astype(ml_dtypes.bfloat16))
         for name in sorted(source)}, output / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((checkpoint / "config.json").read_text())
    for key in ("hidden_size", "num_attention_heads", "num_key_value_heads"):
        config[key] *= factor
    config |= {"intermediate_size": factor * width, "tie_word_embeddings": False,
               "torch_dtype": "bfloat16"}
    (output / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    for name in COPIED:
        if (checkpoint / name).exists():
            shutil.copy(checkpoint / name, output)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("output")
    parser.add_argument("--factor", type=int, default=4)
    parser.add_argument("--feed-forward", type=int, default=192,
                        help="units before widening, zeros filling up")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    widen(options.checkpoint, options.output, options.factor, options.feed_forward, options.seed)


if __name__ == "__main__":
    main()
