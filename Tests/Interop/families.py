"""The small models of `testdata/families`, and what llama.cpp's converter and transformers make of them."""

import json
import pathlib
import shutil

import safetensors.numpy

from support import TESTDATA

FOLDER = TESTDATA / "families"
NAMES = ("llama", "llama-rope-scaled", "qwen2", "qwen2-moe", "qwen3", "qwen3-moe", "mixtral",
         "deepseek-v3", "deepseek-v3-tied", "deepseek-v3-fp8")
# A model of as many tokens.
TOKENIZER = TESTDATA / "stories260K" / "f32"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json",
                   "special_tokens_map.json")


def golden(name):
    """Metadata and tensor table of what llama.cpp's converter makes of a family."""
    return json.loads((FOLDER / f"{name}.llama.cpp.gguf.json").read_text())


def reference(name):
    """Tokens, and the float32 logits that transformers computes after each."""
    tensors = safetensors.numpy.load_file(FOLDER / f"{name}.reference.safetensors")
    return tensors["tokens"].tolist(), tensors["logits"]


def with_tokenizer(name, folder):
    """The checkpoint of a family with a tokenizer; the folder's name decides the model's."""
    target = pathlib.Path(folder) / name
    shutil.copytree(FOLDER / name, target)
    for file in TOKENIZER_FILES:
        if (TOKENIZER / file).exists():
            shutil.copy(TOKENIZER / file, target)
    return target
