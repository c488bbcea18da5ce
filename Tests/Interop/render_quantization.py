#!/usr/bin/env python3
"""Renders what was measured into the guide: tables between its marks, and a chart.

    render_quantization.py docs/quantization.json docs/quantization.md [--kl docs/divergence.json]
                           [--integers docs/integers.json] [--chart docs/quantization.svg]

The first file is compare_ggml.py's, `--kl` names compare_kl.py's, `--integers` compare_modelslim.py's.
A table NAME replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->`.
"""

import argparse
import json
import pathlib
import re

from error_chart import Chart

TITLES = {"gauss": "Gaussian", "laplace": "Laplace", "student5": "Student-t(5)",
          "outliers": "outlier columns", "fp8": "FP8", "mxfp4-ceil": "FP4, scale rounded up",
          "mxfp4-floor": "FP4, scale rounded down"}
GRIDS = ("mxfp4-ceil", "mxfp4-floor")
REFERENCES = ("absmax", "ggml")


def table(header, rows):
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def decibels(value):
    return "exact" if value is None else f"{value:.2f}"


class Tables:
    def __init__(self, document):
        self.document = document
        self.entries = {(entry["signal"], entry["type"], entry["encoder"], entry["method"]): entry
                        for entry in document["results"]}
        self.pairs = {(pair["signal"], pair["type"], pair["method"]): pair
                      for pair in document["comparisons"]}
        results = sorted(document["results"], key=lambda entry: entry["bitsPerWeight"])
        self.types = {entry["type"]: entry["bitsPerWeight"] for entry in results}
        self.signals = list(dict.fromkeys(entry["signal"] for entry in document["results"]))

    def result(self, signal, name, encoder, method):
        entry = self.entries.get((signal, name, encoder, method))
        return decibels(entry["sqnrDecibels"]) if entry else "–"

    def machine(self):
        document = self.document
        return (f"Measured on one core of a machine with {document['processor']} (level "
                f"{document['level']}), {document['rows']} rows of 4096 weights, medians of "
                f"{document['rounds']} interleaved rounds. ggml: {document['ggml']}.")

    def errors(self):
        signals = [signal for signal in self.signals if signal not in GRIDS]
        rows = [[name, f"{bits:.4g}"] + [
            f"**{self.result(signal, name, 'quern', 'optimal')}** "
            f"({self.result(signal, name, 'ggml', 'reference')})" for signal in signals]
            for name, bits in self.types.items()]
        return table(["type", "bits"] + [TITLES.get(signal, signal) for signal in signals], rows)

    def grids(self):
        header = ["type", "bits"]
        for signal in GRIDS:
            header += [f"{TITLES[signal]}: ggml", "optimal", "grid-aware"]
        rows = []
        for name, bits in self.types.items():
            row = [name, f"{bits:.4g}"]
            for signal in GRIDS:
                row += [self.result(signal, name, "ggml", "reference"),
                        self.result(signal, name, "quern", "optimal"),
                        f"**{self.result(signal, name, 'quern', 'grid-aware')}**"]
            rows.append(row)
        return table(header, rows)

    def ratio(self, signal, name, key, method="optimal+importance"):
        value = self.pairs.get((signal, name, method), {}).get(key)
        return "–" if value is None else f"{value:.3f}"

    def importance(self):
        signals = [signal for signal in self.signals if signal not in GRIDS]
        rows = [[name] + [f"{self.ratio(signal, name, 'weightedNoiseRatio')} "
                          f"({self.ratio(signal, name, 'searchNoiseRatio')})"
                          for signal in signals] for name in self.types]
        return table(["type"] + [TITLES.get(signal, signal) for signal in signals], rows)

    def speed(self):
        rows = []
        for name in self.types:
            row = [name]
            for signal, methods in (("gauss", REFERENCES), ("gauss", ("optimal",)),
                                    ("gauss", ("optimal+importance",)),
                                    ("mxfp4-ceil", ("grid-aware",))):
                row.append(next((self.fast(signal, name, method) for method in methods
                                 if (signal, name, method) in self.pairs), "–"))
            rows.append(row)
        return table(["type", "reference", "optimal", "optimal with importance", "grid-aware"], rows)

    def fast(self, signal, name, method):
        entry = self.entries[signal, name, "quern", method]
        return f"{entry['GBps']:.3g} GB/s ({self.pairs[signal, name, method]['speedRatio']:.1f}×)"


def divergence(document):
    parts = document["summary"]
    kinds = dict.fromkeys(name for part in parts.values() for name in part["types"])
    rows = [[name] + [f"{part['types'][name]:.3f}" if name in part["types"] else "–"
                      for part in parts.values()] for name in kinds]
    rows.append(["**geometric mean**"] + [f"**{part['mean']:.3f}**" for part in parts.values()])
    titles = {"without": "without imatrix", "with imatrix": "with imatrix"}
    return table(["type"] + [titles[name] for name in parts], rows)


def integers(document):
    """Rows of integers beside msModelSlim's rules; from the grid where the rows are on one."""
    chosen = {(entry["type"], entry["signal"]): entry for entry in document["results"]}
    for entry in document["results"]:
        if entry["method"] == "grid-aware":
            chosen[entry["type"], entry["signal"]] = entry
    rows = []
    for (name, signal), entry in sorted(chosen.items(), key=lambda item: item[0][0], reverse=True):
        theirs = [decibels(entry["rules"][rule]["sqnrDecibels"])
                  for rule in ("minmax-f32", "minmax-bf16", "ssz-f32", "ssz-bf16")]
        rows.append([name, TITLES.get(signal, signal), f"**{decibels(entry['sqnrDecibels'])}**",
                     *theirs])
    return table(["type", "signal", "Quern", "minmax", "minmax in BF16", "ssz", "ssz in BF16"], rows)


def replace(text, name, content):
    pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    assert pattern.search(text), f"the guide has no marks for {name}"
    return pattern.sub(lambda match: match[1] + content + "\n" + match[2], text)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=pathlib.Path)
    parser.add_argument("guide", type=pathlib.Path)
    parser.add_argument("--kl", type=pathlib.Path)
    parser.add_argument("--integers", type=pathlib.Path)
    parser.add_argument("--chart", type=pathlib.Path)
    options = parser.parse_args()
    document = json.loads(options.result.read_text())
    tables = Tables(document)
    guide = options.guide.read_text()
    for name in ("machine", "errors", "grids", "importance", "speed"):
        guide = replace(guide, name, getattr(tables, name)())
    if options.kl:
        guide = replace(guide, "divergence", divergence(json.loads(options.kl.read_text())))
    if options.integers:
        guide = replace(guide, "integers", integers(json.loads(options.integers.read_text())))
    options.guide.write_text(guide)
    chart = options.chart or options.guide.with_suffix(".svg")
    chart.write_text(Chart(document).svg())


if __name__ == "__main__":
    main()
