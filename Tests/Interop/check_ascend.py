#!/usr/bin/env python3
"""Ascend folders as vllm-ascend would take them: names, types and shapes that its classes look for, derived
tensors recomputed, weights decoded by numpy beside the decoded sources, FRACTAL_NZ byte for byte."""

import json
import re

import ml_dtypes
import numpy as np
import safetensors.numpy

import ascend
import source
from support import TESTDATA, main

V4_MODULES = json.loads((TESTDATA / "ascend" / "v4-modules.json").read_text())
RECIPES = ("w8a8", "w4a8")
FAMILIES = ("llama", "qwen3", "qwen3-moe", "deepseek-v3")
# Root of the squared error over that of the values: far above what any of the models here has.
LIMITS = {"W8A8_DYNAMIC": 0.012, "W4A8_DYNAMIC": 0.2}
# Matrices that a runtime reads as numbers, or is not asked to quantize.
FLOAT_MODULES = re.compile(r"(^|\.)(embed_tokens|lm_head|gate|kv_b_proj|norm|\w+norm)$")
ROW_PARALLEL = re.compile(r"\.(w2|down_proj|o_proj|wo_b)$")


def v4_types(recipe):
    """{module: (type, rows, columns, whether row parallel)} of every linear module."""
    found = {}
    for name, (rows, columns, kind, row_parallel, may_be_integers) in V4_MODULES["modules"].items():
        four = recipe == "w4a8" and kind == "moe"
        is_float = not may_be_integers or name.endswith("attn.wo_b")
        type_ = "FLOAT" if is_float else "W4A8_DYNAMIC" if four else "W8A8_DYNAMIC"
        found[name] = (type_, rows, columns, row_parallel)
    return found


def family_types(tensors, recipe):
    found = {}
    for name, array in tensors.items():
        module = name.removesuffix(".weight")
        if module == name or array.ndim != 2:
            continue
        four = recipe == "w4a8" and ".mlp.experts." in name
        type_ = "W4A8_DYNAMIC" if four else "W8A8_DYNAMIC"
        if FLOAT_MODULES.search(module):
            type_ = "FLOAT"
        found[module] = (type_, *array.shape, bool(ROW_PARALLEL.search(module)))
    return found


def write_family(name, folder):
    """Random weights in the shapes of a small model of the family."""
    target, origin = folder / name, TESTDATA / "families" / name
    target.mkdir()
    random, tensors = np.random.default_rng(5), {}
    for entry in json.loads((origin / "tensors.json").read_text()):
        values = random.standard_normal(entry["shape"]) * 0.03
        tensors[entry["name"]] = (values + (len(entry["shape"]) == 1)).astype(ml_dtypes.bfloat16)
    safetensors.numpy.save_file(tensors, target / "model.safetensors")
    for file in ("config.json", "generation_config.json"):
        (target / file).write_bytes((origin / file).read_bytes())
    return target


def check_files(checks, name, folder):
    with checks.claim(f"{name}: files, index, description and configuration are whole"):
        described = {key for key in folder.description if key not in ascend.GLOBALS}
        assert described == set(folder.arrays) | {"model_quant_type"}, described ^ set(folder.arrays)
        assert {key: folder.description[key] for key in ascend.GLOBALS} == ascend.GLOBALS
        assert folder.description["model_quant_type"] == "W8A8_DYNAMIC"
        assert folder.index["weight_map"] == folder.homes
        assert folder.index["metadata"]["total_size"] == sum(a.nbytes for a in folder.arrays.values())
        assert "quantization_config" not in folder.config
        assert not (folder.path / "model.safetensors.index.json").exists()
        count = len(folder.files)
        assert folder.files == [
            f"quant_model_weights-{number + 1:05}-of-{count:05}.safetensors" for number in range(count)]
        for file in folder.path.iterdir():
            assert file.is_dir() or file.stat().st_mode & 0o777 & ~0o22 == 0o644, file
    with checks.claim(f"{name}: headers say pt, and every element is aligned"):
        for file in folder.files:
            header = ascend.header(folder.path / file)
            assert header.pop("__metadata__") == {"format": "pt"}
            for key, entry in header.items():
                assert entry["data_offsets"][0] % folder.arrays[key].itemsize == 0, key


def check_tensors(checks, name, folder, modules, others):
    """Exactly the tensors of the modules' types, and the others."""
    with checks.claim(f"{name}: the tensors that the runtime looks for, in its types and shapes"):
        expected = dict(others)
        for module, (type_, rows, columns, row_parallel) in modules.items():
            weight = f"{module}.weight"
            assert folder.description.get(weight) == type_, (weight, folder.description.get(weight))
            if type_ == "FLOAT":
                expected[weight] = (rows, columns)
                continue
            for leaf, (element, shape) in ascend.contract(type_, rows, columns, row_parallel).items():
                key = f"{module}.{leaf}"
                expected[key] = shape
                assert folder.arrays[key].dtype == element, key
                assert folder.description[key] == type_, key
        shapes = {key: array.shape for key, array in folder.arrays.items()}
        different = {key for key in expected.keys() | shapes.keys()
                     if tuple(expected.get(key, ())) != shapes.get(key)}
        assert not different, sorted(different)[:5]
        assert all(folder.description[key] == "FLOAT" for key in others)


def integers(folder, modules):
    return {f"{module}.weight": entry for module, entry in modules.items() if entry[0] != "FLOAT"}


def check_derived(checks, name, folder, modules):
    with checks.claim(f"{name}: scales are positive numbers of BF16, offsets zero, corrections 8 Σ q·s"):
        for weight, (type_, _, _, row_parallel) in integers(folder, modules).items():
            scale = folder.part(weight, "weight_scale")
            assert np.isfinite(scale).all() and (scale > 0).all(), weight
            assert np.array_equal(scale, scale.astype(ml_dtypes.bfloat16).astype(np.float32)), weight
            assert not folder.part(weight, "weight_offset").any(), weight
            if type_ == "W4A8_DYNAMIC":
                wanted = ascend.correction(folder, weight, type_, ascend.RUNS if row_parallel else 1)
                assert np.array_equal(folder.part(weight, "scale_bias"), wanted.astype(np.float32)), weight


def check_values(checks, name, folder, modules, values):
    """- values: the decoded source of a tensor, by the output's name."""
    matrices = integers(folder, modules)
    with checks.claim(f"{name}: floats are the source's values"):
        for key, array in folder.arrays.items():
            if folder.description[key] == "FLOAT":
                assert np.array_equal(array.astype(np.float32), values(key).astype(np.float32)), key
    with checks.claim(f"{name}: errors are small, no larger than absmax's, and those of the certificate"):
        worst = {}
        for weight, (type_, *_) in matrices.items():
            wanted, row = values(weight), folder.rows[weight]
            found = ascend.decode(folder, weight, type_)
            noise = float(((found.astype(np.float64) - wanted) ** 2).sum())
            signal = float((wanted.astype(np.float64) ** 2).sum())
            error = (noise / signal) ** 0.5
            worst[type_] = max(worst.get(type_, 0), error)
            assert error < LIMITS[type_], (weight, error)
            plain = ascend.absmax_error(wanted, 4 if type_.startswith("W4") else 8)
            assert noise <= plain * (1 + 1e-6), (weight, noise, plain)
            assert abs(noise - row["noise"]) <= 1e-12 * noise, (weight, noise, row["noise"])
            exact = int((found == wanted).all(1).sum())
            assert exact == row["exactRows"], (weight, exact, row["exactRows"])
        print("      " + ", ".join(f"{key} {value:.4f}" for key, value in sorted(worst.items())))


def check_relayout(checks, name, folder, modules):
    with checks.claim(f"{name}: FRACTAL_NZ of every matrix is the transposed codes, byte for byte"):
        found, notes = {}, {}
        for path in sorted((folder.path / "nz").glob("*.safetensors")):
            found |= ascend.read(path)
            notes |= ascend.header(path)["__metadata__"]
        matrices = integers(folder, modules)
        assert set(found) == set(matrices)
        for weight, (type_, rows, columns, _) in matrices.items():
            wanted = ascend.nz(folder.part(weight, "weight").T)
            assert found[weight].shape == wanted.shape and np.array_equal(found[weight], wanted), weight
            four = type_.startswith("W4")
            assert json.loads(notes[weight]) == {
                "aclFormat": 29, "dtype": "INT4" if four else "INT8", "C0": 64 if four else 32,
                "shape": [columns, rows]}, weight


def convert(quern, checkpoint, recipe, output, *options):
    quern.must("convert", checkpoint, "--to", "ascend", "--recipe", recipe, "-o", output, *options)
    return ascend.Folder(output)


def v4_values(checkpoint):
    """The decoded source of a name; the draft's embedding and head are the model's where it has none."""
    tensors = source.stored_tensors(checkpoint)
    config = json.loads((checkpoint / "config.json").read_text())
    block = config["quantization_config"]["weight_block_size"]
    copies = {"mtp.0.emb.tok_emb.weight": "embed.weight", "mtp.0.head.weight": "head.weight"}

    def values(name):
        return source.logical(tensors, name if name in tensors else copies[name], block).values
    return values


def check(checks, quern, folder):
    for checkpoint in ("upstream", "base"):
        values = v4_values(TESTDATA / "tiny-v4" / checkpoint)
        for recipe in RECIPES:
            name, modules = f"tiny-v4 {checkpoint} {recipe}", v4_types(recipe)
            output = convert(quern, TESTDATA / "tiny-v4" / checkpoint, recipe,
                             folder / f"{checkpoint}-{recipe}", "--relayout", "nz")
            check_files(checks, name, output)
            check_tensors(checks, name, output, modules, V4_MODULES["others"])
            check_derived(checks, name, output, modules)
            check_values(checks, name, output, modules, values)
            check_relayout(checks, name, output, modules)
    for family in FAMILIES:
        model = write_family(family, folder)
        tensors = source.stored_tensors(model)
        for recipe in RECIPES:
            name, modules = f"{family} {recipe}", family_types(tensors, recipe)
            others = {key: array.shape for key, array in tensors.items()
                      if key.removesuffix(".weight") not in modules}
            output = convert(quern, model, recipe, folder / f"{family}-{recipe}", "--split-max-size", "200KB")
            check_files(checks, name, output)
            check_tensors(checks, name, output, modules, others)
            check_derived(checks, name, output, modules)
            check_values(checks, name, output, modules,
                         lambda key, tensors=tensors: tensors[key].astype(np.float32))


if __name__ == "__main__":
    raise SystemExit(main(__doc__, check))
