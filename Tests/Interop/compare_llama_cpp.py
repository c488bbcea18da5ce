#!/usr/bin/env python3
"""Times `quern convert` beside llama.cpp's two steps (convert_hf_to_gguf.py, then llama-quantize)
on one synthetic BF16 Llama checkpoint, in interleaved pairs, and prints the ratios.

    compare_llama_cpp.py --llama-cpp SOURCE_TREE --llama-quantize BINARY [--size 1.8GB] [--pairs 3]

The source tree is llama.cpp's; the source distribution of PyPI's llama_cpp_python carries one as
`vendor/llama.cpp`. Build the quantizer from it:

    cmake -S vendor/llama.cpp -B build -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF
    cmake --build build --target llama-quantize

`--python` names an interpreter that has what convert_hf_to_gguf.py imports (torch, transformers,
sentencepiece, and gguf from the tree's gguf-py). Without llama.cpp the comparison is skipped. `cp`
of the same files stands beside both. The page cache is warm; nobody's output is deleted in between
except their own of the round before.
"""

import argparse
import dataclasses
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

from support import ROOT, byte_size, scratch

TYPES = {"q8_0": "Q8_0", "q4_0": "Q4_0"}


@dataclasses.dataclass
class Run:
    """One finished process: wall and processor seconds, peak resident bytes."""

    seconds: float
    processor_seconds: float
    peak_bytes: int


def measure(command, log):
    """Runs a command to its end. Raises with the end of its output when it fails."""
    with open(log, "wb") as output:
        start = time.monotonic()
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = pathlib.Path(log).read_text(errors="replace")[-2000:]
        sys.exit(f"{command[0]}: exit {process.returncode}\n{tail}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def warm(files):
    for file in files:
        with open(file, "rb", buffering=0) as stream:
            while stream.read(1 << 24):
                pass


class Comparison:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.checkpoint = folder / "checkpoint"
        self.whole = folder / "whole.gguf"
        self.runs = {}

    def step(self, name, command):
        run = measure(command, self.folder / "log.txt")
        self.runs.setdefault(name, []).append(run)
        print(f"  {name:28} {run.seconds:8.2f} s", flush=True)

    def make(self):
        """In a process of its own: a child's peak memory starts at that of its parent."""
        script = pathlib.Path(__file__).with_name("make_llama.py")
        result = subprocess.run(
            [sys.executable, script, self.checkpoint, "--size", str(self.options.size)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        return int(result.stdout)

    def copy(self):
        target = self.folder / "copy"
        shutil.rmtree(target, ignore_errors=True)
        self.step("cp", ["cp", "-r", self.checkpoint, target])
        shutil.rmtree(target)

    def llama_cpp_convert(self):
        options = self.options
        self.step("llama.cpp convert", [
            options.python, pathlib.Path(options.llama_cpp) / "convert_hf_to_gguf.py",
            self.checkpoint, "--outtype", "bf16", "--outfile", self.whole])

    def llama_cpp_quantize(self, recipe):
        output = self.folder / "theirs.gguf"
        self.step(f"llama.cpp quantize {recipe}", [
            self.options.llama_quantize, self.whole, output, TYPES[recipe], self.options.threads])
        output.unlink()

    def quern(self, recipe):
        """With the rule that llama-quantize has: the scale follows from the largest magnitude."""
        output, rules = self.folder / "ours.gguf", self.folder / f"{recipe}.json5"
        rules.write_text("{rules: [" + ", ".join(
            f'{{match: "role:{role}", type: "{recipe}", method: "absmax"}}'
            for role in ("attention", "feed-forward")) + "]}\n")
        self.step(f"quern convert {recipe}", [
            self.options.quern, "convert", self.checkpoint, "--to", "gguf", "--recipe", rules,
            "-o", output, "--threads", self.options.threads, "--overwrite"])
        output.unlink()

    def round(self):
        self.copy()
        self.llama_cpp_convert()
        for recipe in self.options.recipes:
            self.llama_cpp_quantize(recipe)
            self.quern(recipe)
        self.whole.unlink()

    def report(self, byte_count):
        print(f"\n{'median of ' + str(self.options.pairs):28} {'s':>8} {'cpu s':>8} "
              f"{'GB/s':>8} {'peak MB':>8}")
        for name, runs in self.runs.items():
            seconds = statistics.median(run.seconds for run in runs)
            print(f"{name:28} {seconds:8.2f} "
                  f"{statistics.median(run.processor_seconds for run in runs):8.2f} "
                  f"{byte_count / seconds / 1e9:8.3f} "
                  f"{max(run.peak_bytes for run in runs) / 1e6:8.0f}")
        ours = "quern convert "
        for recipe in (name.removeprefix(ours) for name in self.runs if name.startswith(ours)):
            self.report_ratios(recipe)

    def report_ratios(self, recipe):
        """Ratios within each round, then their median: what slows the machine slows both."""
        steps = [self.runs[name] for name in (
            "llama.cpp convert", f"llama.cpp quantize {recipe}", f"quern convert {recipe}", "cp")]
        ratios = [(convert.seconds + quantize.seconds) / ours.seconds
                  for convert, quantize, ours, _ in zip(*steps)]
        copies = [copy.seconds / ours.seconds for _, _, ours, copy in zip(*steps)]
        print(f"{recipe}: quern is {statistics.median(ratios):.1f} times as fast as llama.cpp's "
              f"two steps ({min(ratios):.1f} to {max(ratios):.1f}) and reaches "
              f"{100 * statistics.median(copies):.0f} % of cp")


def missing(options):
    for what, path in (("llama.cpp's source tree", options.llama_cpp),
                       ("llama-quantize", options.llama_quantize), ("quern", options.quern)):
        if path is None or not pathlib.Path(path).exists():
            return f"{what} is not there ({path})"
    return None


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quern", default=ROOT / ".build" / "release" / "quern")
    parser.add_argument("--llama-cpp", metavar="SOURCE_TREE")
    parser.add_argument("--llama-quantize", metavar="BINARY")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--size", type=byte_size, default=byte_size("1.8GB"))
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--recipes", nargs="+", choices=TYPES, default=list(TYPES))
    parser.add_argument("--keep", metavar="FOLDER", help="work here and leave the checkpoint")
    return parser.parse_args()


def main():
    options = parse()
    absent = missing(options)
    if absent:
        print(f"skipped: {absent}")
        return 0
    with scratch(options.keep) as folder:
        comparison = Comparison(options, folder)
        byte_count = comparison.make()
        warm(comparison.checkpoint.iterdir())
        print(f"{byte_count / 1e9:.3f} GB of BF16 weights, {options.threads} threads")
        for number in range(options.pairs):
            print(f"round {number + 1}", flush=True)
            comparison.round()
        comparison.report(byte_count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
