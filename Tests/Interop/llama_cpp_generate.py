#!/usr/bin/env python3
"""Loads a GGUF in llama.cpp (PyPI's xllamacpp) and continues a prompt greedily.

    llama_cpp_generate.py MODEL.gguf PROMPT_IDS COUNT [CANDIDATES]

PROMPT_IDS is a JSON list of token ids. Prints one JSON object: the text, the number of generated
tokens, and of each the id and the logarithm of its probability (tokens that only together make a
character are one entry), and as many candidates for the first token, with theirs. Exit code 1: llama.cpp refuses the file. A process of its own, because a
bad file may bring llama.cpp down.
"""

import json
import sys

import xllamacpp


def parameters(model):
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = 512
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.warmup = False
    # Half precision in the cache and in flash attention would be counted as errors of the weights.
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return params


def main():
    model, prompt, count = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    candidates = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    try:
        server = xllamacpp.Server(parameters(model))
    except Exception as error:  # its own types differ from release to release
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        return 1
    answer = server.handle_completions({
        "prompt": prompt, "n_predict": count, "temperature": 0.0, "samplers": ["temperature"],
        "n_probs": candidates, "ignore_eos": True, "cache_prompt": False})
    if isinstance(answer, (str, bytes)):
        answer = json.loads(answer)
    choice = answer["choices"][0]
    tokens = (choice["logprobs"] or {"content": []})["content"]
    first = tokens[0]["top_logprobs"] if tokens else []
    print(json.dumps({
        "text": choice["text"], "count": answer["usage"]["completion_tokens"],
        "tokens": [token["id"] for token in tokens],
        "logprobs": [token["logprob"] for token in tokens],
        "candidates": [[token["id"], token["logprob"]] for token in first]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
