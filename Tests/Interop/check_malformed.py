#!/usr/bin/env python3
"""Hands every broken input of testdata/malformed to the command line: one clear refusal with the
right exit code, nothing left behind, never more than two seconds."""

import json
import os
import pathlib
import shutil
import time

from support import (EXIT_DATA, EXIT_DONE, EXIT_NO_INPUT, EXIT_USAGE, TESTDATA, main, scratch)

MALFORMED = TESTDATA / "malformed"
SECONDS = 2.0
REFUSALS = (EXIT_DATA, EXIT_USAGE, EXIT_NO_INPUT)
# No F16 scale can hold these, so q8_0 refuses them; nothing is wrong with them as they are.
TAKEN_BY_SOURCE = ("tensor-max",)
FILES = ("safetensors", "gguf")  # the kinds that are single files; the others are folders


def stage(case, folder):
    """A private copy of the input, so that nothing can be written beside the original."""
    source, copy = MALFORMED / case["path"], folder / "input" / pathlib.Path(case["path"]).name
    copy.parent.mkdir()
    if source.is_dir():
        shutil.copytree(source, copy, symlinks=True)
    else:
        shutil.copyfile(source, copy)
    return copy


def command(case, copy, output, recipe="q8_0"):
    if case["kind"] in FILES:
        return ["inspect", copy]
    return ["convert", copy, "--to", "gguf", "--recipe", recipe, "-o", output]


def timed(quern, arguments_, folder):
    """Runs once, and once more if the machine was slow: the claim is about the tool."""
    seconds = []
    for _ in range(2):
        for path in folder.iterdir():
            path.unlink()
        start = time.monotonic()
        result = quern.run(*arguments_, cwd=folder, timeout=30)
        seconds.append(time.monotonic() - start)
        if seconds[-1] <= SECONDS:
            break
    assert min(seconds) <= SECONDS, f"took {min(seconds):.1f} s"
    return result


def check_refused(result, left):
    assert result.returncode in REFUSALS, (
        f"exit {result.returncode}, expected one of {REFUSALS}: {result.stderr.strip()[-400:]}")
    assert not left, f"left behind: {left}"


def check_message(result, names):
    assert result.stderr.strip(), "nothing on stderr"
    assert len(result.stderr) < 4000, f"{len(result.stderr)} characters on stderr"
    absent = [name for name in names if name not in result.stderr]
    assert not absent, f"{absent} not in: {result.stderr.strip()[-400:]}"


def check_accepted(case, result, left):
    assert result.returncode == EXIT_DONE, (
        f"exit {result.returncode}, expected 0: {result.stderr.strip()[-400:]}")
    wanted = [] if case["kind"] in FILES else ["out.gguf", "out.gguf.certificate.json"]
    assert left == wanted, f"left {left}, expected {wanted}"


def check_case(case, result, left):
    expect = case["expect"]
    if expect == "reject" or expect == "either" and result.returncode != EXIT_DONE:
        # Readers differ on the latter, also on what they name: some of these are parts of a model
        # that is refused for what is not there.
        check_refused(result, left)
        check_message(result, case["names"] if expect == "reject" else [])
        return
    check_accepted(case, result, left)
    if expect == "warn":
        check_message(result, case["names"])


def run_case(quern, case, recipe="q8_0"):
    with scratch() as folder:
        copy, empty = stage(case, folder), folder / "empty"
        empty.mkdir()
        result = timed(quern, command(case, copy, empty / "out.gguf", recipe), empty)
        left = sorted(os.listdir(empty))
        beside = sorted(os.listdir(copy.parent))
        assert beside == [copy.name], f"left beside the input: {beside}"
        return result, left


def check(checks, quern, _):
    manifest = json.loads((MALFORMED / "manifest.json").read_text())
    for case in manifest:
        with checks.claim(f"{case['id']}: {case['expect']} ({case['why']})"):
            check_case(case, *run_case(quern, case))
    for case in manifest:
        if case["id"] in TAKEN_BY_SOURCE:
            with checks.claim(f"{case['id']}: the source recipe accepts it"):
                check_accepted(case, *run_case(quern, case, recipe="source"))


if __name__ == "__main__":
    raise SystemExit(main(__doc__, check))
