#!/usr/bin/env python3
"""Judges what `quern calibrate` writes: by gguf-py and llama-imatrix's own file, by safetensors and
numpy, and by llama-quantize, which must take it, where that is on the path.
"""

import json
import shutil
import subprocess

import numpy as np
from gguf import GGUFReader
from safetensors.numpy import load_file

from support import TESTDATA, main

STORIES = TESTDATA / "stories4M"
EXPERTS = TESTDATA / "families" / "qwen3-moe"


def tensors(path):
    return {tensor.name: tensor for tensor in GGUFReader(path).tensors}


def check_imatrix(checks, quern, folder):
    quern.must("calibrate", STORIES / "bf16", "--text", STORIES / "self_generated_260K.txt",
               "--ctx", 128, "--chunks", 60, "--collect", "imatrix", "--overwrite", "-o", folder / "stories")
    path = folder / "stories.imatrix.gguf"
    found, wanted = tensors(path), tensors(STORIES / "llama-imatrix.gguf")
    with checks.claim("an imatrix has the tensors of llama-imatrix's, in its order and places"):
        places = lambda file: [(t.name, tuple(t.shape), t.data_offset) for t in file.values()]
        assert places(found) == places(wanted)
    with checks.claim("every sum is within 1 % of llama-imatrix's"):
        worst = max((np.abs(found[name].data / tensor.data - 1).max(), name)
                    for name, tensor in wanted.items())
        assert worst[0] < 0.01, worst
    binary = shutil.which("llama-quantize")
    if binary is None:
        print("skip  llama-quantize takes it: no such program")
        return
    with checks.claim("llama-quantize takes it"):
        quern.must("convert", STORIES / "bf16", "--recipe", "source", "--overwrite", "-o",
                   folder / "source.gguf")
        done = subprocess.run(
            [binary, "--imatrix", path, folder / "source.gguf", folder / "theirs.gguf", "Q4_K_M"],
            capture_output=True, text=True, errors="replace", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "loaded 35 importance matrix entries" in done.stdout + done.stderr


def check_statistics(checks, quern, folder):
    reference = load_file(EXPERTS.with_name(EXPERTS.name + ".reference.safetensors"))
    (folder / "ids.json").write_text(json.dumps(reference["tokens"].flatten().tolist()))
    quern.must("calibrate", EXPERTS, "--tokens", folder / "ids.json", "--bos", "none", "--ctx", 40,
               "--collect", "ranges,hessians", "--min-tokens", 0, "--cache-type", "f32",
               "--overwrite", "-o", folder / "experts")
    found = load_file(folder / "experts.safetensors")
    golden = load_file(TESTDATA / "calibration" / "qwen3-moe.safetensors")
    for name in ("attn_q", "attn_output", "ffn_gate_exps", "ffn_down_exps"):
        with checks.claim(f"{name}: ranges, magnitudes and products are those of transformers"):
            prefix = f"blk.1.{name}.weight."
            for kind in ("range", "maxima", "means"):
                want = golden[f"{name}.{kind}"]
                assert np.allclose(found[prefix + kind].reshape(want.shape), want, rtol=1e-4), kind
            gram = golden[f"{name}.gram"]
            sums = found[prefix + "hessian.0"].reshape(gram.shape)
            for expert, count in enumerate(found[prefix + "count"]):
                if count > 0:
                    error = np.linalg.norm(sums[expert] - gram[expert])
                    assert error < 1e-5 * np.linalg.norm(gram[expert]), (expert, error)


def check(checks, quern, folder):
    check_imatrix(checks, quern, folder)
    check_statistics(checks, quern, folder)


if __name__ == "__main__":
    raise SystemExit(main(__doc__, check))
