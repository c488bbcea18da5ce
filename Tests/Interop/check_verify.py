#!/usr/bin/env python3
"""`quern verify` must see what is wrong and what is right: one byte flipped anywhere in a file, and
the figures of a file that another tool made."""

import json
import shutil

import gguf

from certificate import verify_rows
from support import (CHECKPOINTS, EXIT_CHECK_FAILED, EXIT_DONE, GOLDENS, certificate_path,
                     conversions, main)

PLACES = 20


def field_places(reader):
    """Offsets inside the metadata: a key, a value's type, a number, a text, an array's element."""
    fields = [field for key, field in reader.fields.items() if not key.startswith("GGUF.")]
    number = reader.fields["general.file_type"]
    text = reader.fields["general.architecture"]
    tokens = reader.fields["tokenizer.ggml.tokens"]
    return {
        "a key": fields[0].offset + 8, "a value's type": fields[1].offset + 8 + len(fields[1].name),
        "a number": number.offset + 8 + len(number.name) + 4,
        "a text": text.offset + 8 + len(text.name) + 4 + 8,
        "a token": tokens.offset + 8 + len(tokens.name) + 4 + 4 + 8 + 8,
        "the last key": fields[-1].offset + 8,
    }


def tensor_places(reader):
    """Offsets inside the tensor table and the data, and in the zeros after a short tensor."""
    first, last = reader.tensors[0], reader.tensors[-1]
    middle = reader.tensors[len(reader.tensors) // 2]
    name = len(first.name)
    places = {
        "a tensor's name": first.field.offset + 8, "a rank": first.field.offset + 8 + name,
        "a dimension": first.field.offset + 8 + name + 4,
        "a tensor's type": middle.field.offset + 8 + len(middle.name) + 4 + 8 * len(middle.shape),
        "a tensor's offset":
            last.field.offset + 8 + len(last.name) + 4 + 8 * len(last.shape) + 4,
        "the first data byte": first.data_offset,
        "a byte of the first tensor": first.data_offset + first.n_bytes // 3,
        "a byte of the middle tensor": middle.data_offset + middle.n_bytes // 2,
        "the last byte of the middle tensor": middle.data_offset + middle.n_bytes - 1,
        "a byte of the last tensor": last.data_offset + last.n_bytes // 2,
        "the last data byte": last.data_offset + last.n_bytes - 1,
    }
    short = [tensor for tensor in reader.tensors if tensor.n_bytes % reader.alignment]
    if short:
        places["the padding after a tensor"] = short[0].data_offset + short[0].n_bytes
        places["a short tensor"] = short[0].data_offset + short[0].n_bytes // 2
    return places


def flip_places(output):
    """Twenty or more named offsets of one file."""
    reader = gguf.GGUFReader(output)
    places = {"the magic": 1, "the version": 4, "the tensor count": 8, "the key count": 16}
    places |= field_places(reader) | tensor_places(reader)
    end = max(sum(int(part.nbytes) for part in tensor.field.parts) + tensor.field.offset
              for tensor in reader.tensors)
    if end < reader.data_offset:
        places["the padding before the data"] = reader.data_offset - 1
    assert len(places) >= PLACES, f"only {len(places)} places"
    return places


def check_flips(checks, quern, output, checkpoint):
    for number, (what, offset) in enumerate(flip_places(output).items()):
        with checks.claim(f"{output.name}: verify sees a flipped bit in {what} (byte {offset})"):
            with open(output, "r+b") as file:
                file.seek(offset)
                byte = file.read(1)[0]
                file.seek(offset)
                file.write(bytes([byte ^ (1 << number % 8)]))
                file.flush()
                try:
                    quern.must("verify", output, expect=EXIT_CHECK_FAILED)
                    quern.must("verify", output, "--against", checkpoint, expect=EXIT_CHECK_FAILED)
                finally:
                    file.seek(offset)
                    file.write(bytes([byte]))
    with checks.claim(f"{output.name}: verify passes again with every byte restored"):
        quern.must("verify", output, "--against", checkpoint)


def check_ours(checks, quern, folder):
    for name, recipe, output in conversions(quern, folder):
        with checks.claim(f"{name} {recipe}: verify passes with and without the source"):
            quern.must("verify", output)
            quern.must("verify", output, "--against", CHECKPOINTS[name])
    with checks.claim("verify says no when the source is another model"):
        quern.must("verify", folder / "stories260K-f32-q8_0.gguf", "--against",
                   CHECKPOINTS["stories260K-bf16"], expect=EXIT_CHECK_FAILED)


def check_without_certificate(checks, quern, folder):
    for name in ("stories260K-f32", "tiny-v4"):
        with checks.claim(f"{name} q8_0: verify measures a file whose certificate is gone"):
            output = folder / f"lonely-{name}.gguf"
            shutil.copyfile(folder / f"{name}-q8_0.gguf", output)
            quern.must("verify", output, "--against", CHECKPOINTS[name])


def check_llama_cpp_file(checks, quern, folder):
    """The file that llama.cpp's converter made: experts repacked, FP8 squeezed into Q8_0."""
    copy = folder / "theirs.gguf"
    shutil.copyfile(GOLDENS["tiny-v4"], copy)
    result = quern.run("verify", copy, "--against", CHECKPOINTS["tiny-v4"], "--json")
    assert result.returncode in (EXIT_DONE, EXIT_CHECK_FAILED), (
        f"exit {result.returncode}: {result.stderr.strip()[-600:]}")
    rows = verify_rows(json.loads(result.stdout))
    with checks.claim("llama.cpp's tiny V4: verify finds the experts exact"):
        experts = [row for row in rows if "_exps." in row.name]
        assert len(experts) == 18, f"{len(experts)} rows of experts"
        assert all(row.exact and row.noise == 0 for row in experts), [
            row.name for row in experts if not row.exact]
    with checks.claim("llama.cpp's tiny V4: verify finds half a percent of error in Q8_0 of FP8"):
        dense = [row for row in rows if row.type == "Q8_0"]
        assert dense, "no Q8_0 rows"
        wrong = [(row.name, row.relative_error) for row in dense
                 if not 0.004 < row.relative_error < 0.007]
        assert not wrong, wrong[:5]


def check(checks, quern, folder):
    check_ours(checks, quern, folder)
    for name, recipe in (("tiny-v4", "q8_0"), ("stories260K-f32", "q4_0")):
        output = folder / f"{name}-{recipe}.gguf"
        assert certificate_path(output).exists(), f"{output.name} has no certificate"
        check_flips(checks, quern, output, CHECKPOINTS[name])
    check_without_certificate(checks, quern, folder)
    check_llama_cpp_file(checks, quern, folder)


if __name__ == "__main__":
    raise SystemExit(main(__doc__, check))
