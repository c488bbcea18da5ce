#!/usr/bin/env python3
"""Write v4-modules.json: the tensors that vllm-ascend's DeepSeek-V4 classes load, from config.json.

  make_v4_modules.py CHECKER TINY-CONFIG NAME=CONFIG... > v4-modules.json

CHECKER is a Python file whose v4_linears(config) lists the linear modules (out, in, kind, whether row
parallel, whether quantizable on A2 and A3) and the shapes of everything else. The first config gives
names and shapes, the others counts.
"""
import importlib.util
import json
import sys


def listed(checker, path):
    with open(path) as file:
        return checker.v4_linears(json.load(file))


def main():
    spec = importlib.util.spec_from_file_location("checker", sys.argv[1])
    checker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checker)
    modules, others = listed(checker, sys.argv[2])
    counts = {}
    for argument in sys.argv[3:]:
        name, path = argument.split("=", 1)
        linear, other = listed(checker, path)
        counts[name] = {"modules": len(linear), "others": len(other)}
    lines = ["{", ' "modules": {']
    lines.append(",\n".join(f"  {json.dumps(n)}: {json.dumps(v)}" for n, v in modules.items()))
    lines += [" },", ' "others": {']
    lines.append(",\n".join(f"  {json.dumps(n)}: {json.dumps(v)}" for n, v in others.items()))
    lines += [" },", f' "counts": {json.dumps(counts)}', "}"]
    print("\n".join(lines))


main()
