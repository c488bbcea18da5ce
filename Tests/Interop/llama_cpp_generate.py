#!/usr/bin/env python3
"""Loads a GGUF in llama.cpp (PyPI's xllamacpp) and continues a prompt greedily.

    llama_cpp_generate.py MODEL.gguf PROMPT_IDS COUNT

PROMPT_IDS is a JSON list of token ids. Prints one JSON object: the text, the number of generated
tokens, and of each the id and the logarithm of its probability (tokens that only together make a
character are one entry). Exit code 1: llama.cpp refuses the file. A process of its own, because a
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
    return params


def main():
    model, prompt, count = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    try:
        server = xllamacpp.Server(parameters(model))
    except Exception as error:  # its own types differ from release to release
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        return 1
    answer = server.handle_completions({
        "prompt": prompt, "n_predict": count, "temperature": 0.0, "samplers": ["temperature"],
        "n_probs": 1, "ignore_eos": True, "cache_prompt": False})
    if isinstance(answer, (str, bytes)):
        answer = json.loads(answer)
    choice = answer["choices"][0]
    tokens = choice["logprobs"]["content"]
    print(json.dumps({
        "text": choice["text"], "count": answer["usage"]["completion_tokens"],
        "tokens": [token["id"] for token in tokens],
        "logprobs": [token["logprob"] for token in tokens]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
