"""What every check shares: running the tool, counting claims, naming the test data."""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTDATA = ROOT / "testdata"

RECIPES = ("source", "q8_0", "q4_0", "q4_k_m", "q4_k_s", "q5_k_m", "q6_k", "iq4_xs", "iq4_nl", "nvfp4",
           "v4-int8", "v4-int4")
THREADS = (1, 2, 7)

# Name and folder of every checkpoint that the checks convert.
CHECKPOINTS = {
    "stories260K-f32": TESTDATA / "stories260K" / "f32",
    "stories260K-bf16": TESTDATA / "stories260K" / "bf16-3shard",
    "tiny-v4": TESTDATA / "tiny-v4" / "upstream",
    "tiny-v4-base": TESTDATA / "tiny-v4" / "base",
}
# The files that llama.cpp's own converter made, for the checkpoints that have one.
GOLDENS = {
    "stories260K-f32": TESTDATA / "stories260K" / "llama.cpp-f32.gguf",
    "stories260K-bf16": TESTDATA / "stories260K" / "llama.cpp-f32.gguf",
    "tiny-v4": TESTDATA / "tiny-v4" / "llama.cpp.gguf",
}

EXIT_DONE, EXIT_CHECK_FAILED, EXIT_USAGE, EXIT_DATA, EXIT_NO_INPUT = 0, 1, 64, 65, 66


class Checks:
    """Counts claims. A claim that raises is a failure and the next one still runs."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    @contextlib.contextmanager
    def claim(self, text):
        try:
            yield
        except AssertionError as error:
            self.failed += 1
            print(f"FAIL  {text}\n      {error}", flush=True)
        except Exception:  # a crash of a check must not hide the others
            self.failed += 1
            print(f"FAIL  {text}", flush=True)
            traceback.print_exc(file=sys.stdout)
        else:
            self.passed += 1
            print(f"ok    {text}", flush=True)

    def finish(self):
        """Prints the last line and returns the exit code."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


class Quern:
    """The binary under test."""

    def __init__(self, path):
        self.path = pathlib.Path(path).resolve()
        if not os.access(self.path, os.X_OK):
            sys.exit(f"{path}: no such program; build it with `swift build -c release`")

    def run(self, *arguments, timeout=120, cwd=None):
        """Runs without a terminal; returns the finished process with text outputs."""
        return subprocess.run(
            [str(self.path), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=timeout, cwd=cwd, check=False)

    def must(self, *arguments, expect=EXIT_DONE, **options):
        """Runs and demands an exit code."""
        result = self.run(*arguments, **options)
        assert result.returncode == expect, (
            f"quern {' '.join(map(str, arguments))}: exit {result.returncode}, expected {expect}\n"
            f"{result.stderr.strip()[-2000:]}")
        return result

    def convert(self, checkpoint, recipe, output, *options):
        return self.must("convert", checkpoint, "--to", "gguf", "--recipe", recipe, "-o", output,
                         *options)


def certificate_path(output):
    return pathlib.Path(f"{output}.certificate.json")


@contextlib.contextmanager
def scratch(keep=None):
    """A folder for outputs: removed at the end unless the user named one."""
    if keep:
        pathlib.Path(keep).mkdir(parents=True, exist_ok=True)
        yield pathlib.Path(keep)
        return
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quern-interop-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def conversions(quern, folder):
    """Converts every checkpoint with every built-in recipe: [(checkpoint name, recipe, output)]."""
    outputs = []
    for name, checkpoint in CHECKPOINTS.items():
        for recipe in RECIPES:
            output = folder / f"{name}-{recipe}.gguf"
            quern.convert(checkpoint, recipe, output, "--threads", 2, "--overwrite")
            outputs.append((name, recipe, output))
    return outputs


def byte_size(text):
    """1.8GB, 300MB, 5000000: decimal units."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)B?", text.strip(), re.IGNORECASE)
    if not match:
        raise argparse.ArgumentTypeError(f"{text}: expected a size such as 1.8GB")
    return int(float(match[1]) * 1000 ** " KMG".index(match[2].upper() or " "))


def main(description, body):
    """Runs `body(checks, quern, folder)` with the options that every check has; the exit code."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quern", default=ROOT / ".build" / "release" / "quern",
                        help="the binary to test (default: .build/release/quern)")
    parser.add_argument("--keep", metavar="FOLDER", help="write the outputs here and leave them")
    options, checks = parser.parse_args(), Checks()
    quern = Quern(options.quern)
    with scratch(options.keep) as folder, checks.claim("the check runs to its end"):
        body(checks, quern, folder)
    return checks.finish()
