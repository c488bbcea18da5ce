#!/usr/bin/env python3
"""Runs Quern's encoders and ggml's on the same rows in the same run, one core each, interleaved, and
writes what both keep and how fast they are as JSON.

    compare_ggml.py [--libggml PATH] [--rounds 3] [--model NAME=FOLDER]... [-o RESULT.json]

Without `--libggml` the library is built from PyPI's llama_cpp_python; where that cannot be done the
comparison is skipped. `quern bench encode --export` hands over the rows, the importance of each
column and Quern's blocks; ggml's own decoder judges both sides.

Speeds are medians over the rounds, ratios of speed medians of the ratio within each round.
`weightedNoise` is Σ importance·error²; `searchNoise` is the sum that ggml's search minimises itself. The
margin is in decibels, weighted ones where importance was given.
"""

import argparse
import json
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import numpy as np

import ggml
from support import ROOT, TESTDATA, scratch

SIGNALS = ("gauss", "laplace", "student5", "outliers", "fp8", "mxfp4-ceil", "mxfp4-floor")
# Quern's method, and the run of ggml that it stands beside.
OPPONENTS = {"absmax": "reference", "ggml": "reference", "optimal": "reference",
             "optimal+importance": "imatrix", "grid-aware": "reference"}
SHORTEST_RUN = 0.005


def processor():
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def seconds(function, runs):
    """Median time of one call, each run long enough for the clock."""
    start = time.perf_counter()
    function()
    repeats = max(1, round(SHORTEST_RUN / max(time.perf_counter() - start, 1e-9)))
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(repeats):
            function()
        times.append((time.perf_counter() - start) / repeats)
    return statistics.median(times)


def decibels(signal, noise):
    return None if noise == 0 else float(10 * np.log10(signal / noise))


class Comparison:
    def __init__(self, options, library, folder):
        self.options, self.library, self.folder = options, library, folder
        self.level = None
        self.entries = {}

    def quern(self, name, export=None):
        """One run of `quern bench encode` for a type: its results."""
        command = [self.options.quern, "bench", "encode", "--json", "--type", name,
                   "--rows", self.options.rows, "--runs", self.options.runs]
        for signal in self.options.signals:
            command += ["--signal", signal]
        for model in self.options.models:
            command += ["--model", model]
        if export:
            command += ["--export", export]
        answer = json.loads(subprocess.run(list(map(str, command)), check=True,
                                           stdin=subprocess.DEVNULL, capture_output=True).stdout)
        self.level = answer["level"]
        return answer["results"], answer["rowLength"]

    def entry(self, signal, name, encoder, method):
        return self.entries.setdefault((signal, name, encoder, method), {
            "signal": signal, "type": name, "encoder": encoder, "method": method, "speeds": []})

    def judge(self, entry, blocks, rows, importance, scale=1):
        """Adds the errors of encoded blocks, by ggml's decoder and NVFP4's second scale."""
        values = self.library.decode(entry["type"], blocks).reshape(rows.shape) * np.float32(scale)
        squares = (values.astype(np.float64) - rows) ** 2
        source, wide = rows.astype(np.float64) ** 2, importance.astype(np.float64)
        search = ggml.search_weights(entry["type"], rows, importance)
        entry |= {
            "sqnrDecibels": decibels(source.sum(), squares.sum()),
            "weightedSqnrDecibels": decibels((source * wide).sum(), (squares * wide).sum()),
            "noise": float(squares.sum()), "weightedNoise": float((squares * wide).sum()),
            "searchNoise": float((squares * search).sum()),
        }

    def measure(self, name):
        """One round of one type: Quern on every signal, then ggml."""
        export = self.folder / name
        first = not export.exists()
        results, length = self.quern(name, export if first else None)
        importance = np.fromfile(export / "importance.f32", np.float32)
        bits = 8 * ggml.TYPES[name][2] / ggml.TYPES[name][1]
        for signal in dict.fromkeys(result["signal"] for result in results):
            rows = np.fromfile(export / f"{signal}.f32", np.float32).reshape(-1, length)
            for result in (result for result in results if result["signal"] == signal):
                entry = self.entry(signal, name, "quern", result["method"])
                entry["speeds"].append(result["Mwps"])
                if first:
                    entry |= {"bitsPerWeight": bits, "sourceBytes": result["sourceBytes"] / rows.size}
                    blocks = np.fromfile(export / f"{signal}.{name}.{result['method']}.blocks",
                                         np.uint8)
                    self.judge(entry, blocks, rows, importance, result["secondScale"])
            for method, weights in (("reference", None), ("imatrix", importance)):
                entry = self.entry(signal, name, "ggml", method)
                taken = seconds(lambda: self.library.encode(name, rows, weights), self.options.runs)
                entry["speeds"].append(rows.size / taken / 1e6)
                if first:
                    entry |= {"bitsPerWeight": bits, "sourceBytes": 4}
                    self.judge(entry, self.library.encode(name, rows, weights), rows, importance)

    def pairs(self):
        """Each of Quern's results beside ggml's."""
        for (signal, name, encoder, method), ours in self.entries.items():
            if encoder != "quern":
                continue
            theirs = self.entries[signal, name, "ggml", OPPONENTS[method]]
            kept = "weightedSqnrDecibels" if method == "optimal+importance" else "sqnrDecibels"
            ratios = [a / b for a, b in zip(ours["speeds"], theirs["speeds"])]
            yield {
                "signal": signal, "type": name, "method": method, "beside": OPPONENTS[method],
                "speedRatio": statistics.median(ratios),
                "marginDecibels": margin(ours, theirs, kept),
                "noiseRatio": ratio(ours, theirs, "noise"),
                "weightedNoiseRatio": ratio(ours, theirs, "weightedNoise"),
                "searchNoiseRatio": ratio(ours, theirs, "searchNoise"),
            }

    def document(self, about):
        results = []
        for entry in self.entries.values():
            speed = statistics.median(entry["speeds"])
            rest = {key: value for key, value in entry.items()
                    if key not in ("speeds", "sourceBytes")}
            results.append(rest | {"Mwps": round(speed, 1),
                                   "GBps": round(speed * entry["sourceBytes"] / 1e3, 3)})
        return {
            "processor": processor(), "level": self.level, "ggml": about,
            "rows": self.options.rows, "rounds": self.options.rounds,
            "results": results, "comparisons": list(self.pairs()),
        }


def margin(ours, theirs, key):
    """Decibels that we keep more; null where either lost nothing."""
    return None if None in (ours[key], theirs[key]) else ours[key] - theirs[key]


def ratio(ours, theirs, key):
    """Null where theirs is 0."""
    return None if theirs[key] == 0 else ours[key] / theirs[key]


def number(value, form):
    return "exact" if value is None else format(value, form)


def lines(document):
    """JSON with one line for each result."""
    members = []
    for key, value in document.items():
        text = json.dumps(value, ensure_ascii=False)
        if isinstance(value, list):
            text = "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
        members.append(f' "{key}": {text}')
    return "{\n" + ",\n".join(members) + "\n}\n"


def report(document):
    print(f"{'signal':12} {'type':7} {'method':19} {'Mw/s':>8} {'speed':>7} {'dB':>7} "
          f"{'margin':>7} {'Σwe²':>6} {'search':>6}")
    ours = {(entry["signal"], entry["type"], entry["method"]): entry
            for entry in document["results"] if entry["encoder"] == "quern"}
    for pair in document["comparisons"]:
        entry = ours[pair["signal"], pair["type"], pair["method"]]
        print(f"{pair['signal']:12} {pair['type']:7} {pair['method']:19} {entry['Mwps']:8.1f} "
              f"{pair['speedRatio']:6.2f}x {number(entry['sqnrDecibels'], '7.2f'):>7} "
              f"{number(pair['marginDecibels'], '+7.3f'):>7} "
              f"{number(pair['weightedNoiseRatio'], '6.3f'):>6} "
              f"{number(pair['searchNoiseRatio'], '6.3f'):>6}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quern", default=ROOT / ".build" / "release" / "quern")
    parser.add_argument("--libggml", metavar="PATH", help="a libggml-base to use as it is")
    parser.add_argument("--type", dest="types", action="append", choices=ggml.TYPES)
    parser.add_argument("--signal", dest="signals", action="append", choices=SIGNALS)
    parser.add_argument("--model", dest="models", action="append", metavar="NAME=FOLDER",
                        help="weights of a checkpoint (default: stories260K of testdata)")
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3, help="of each encoder in a round")
    parser.add_argument("--keep", metavar="FOLDER", help="work here and leave everything")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="RESULT.json")
    options = parser.parse_args()
    options.types = options.types or list(ggml.TYPES)
    options.signals = options.signals or list(SIGNALS)
    options.models = options.models or [f"stories260K={TESTDATA / 'stories260K' / 'f32'}"]
    return options


def main():
    options = parse()
    if not pathlib.Path(options.quern).exists():
        sys.exit(f"{options.quern}: no such program; build it with `swift build -c release`")
    with scratch(options.keep) as folder:
        try:
            library, about = ggml.find(options.libggml, folder)
        except ggml.Absent as reason:
            print(f"skipped: {reason}")
            return 0
        comparison = Comparison(options, library, folder)
        for _ in range(options.rounds):
            for name in options.types:
                comparison.measure(name)
        document = comparison.document(about)
    report(document)
    if options.output:
        options.output.write_text(lines(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
