"""Draws what compare_ggml.py measured: signal to noise against bits for each weight, as SVG."""

WIDTH, HEIGHT, GAP = 860, 330, 76
LEFT, RIGHT, TOP = 60, 20, 74
DECIBELS = (15, 41)
# Types above these bits would squeeze the others.
MOST_BITS = 7

STYLE = """
  svg { font: 12px system-ui, sans-serif; }
  text { fill: #333; } .title { font-weight: 600; font-size: 14px; } .faint { fill: #777; }
  .grid { stroke: #ddd; } .limit { stroke: #c0392b; stroke-width: 1.5; }
  .pair { stroke: #999; } .ggml { fill: #fff; stroke: #666; stroke-width: 1.5; }
  .optimal { fill: #1668c4; } .grid-aware { fill: #0a8f5b; }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd; } .faint { fill: #999; } .grid { stroke: #3a3a3a; } .limit { stroke: #e57366; }
    .ggml { fill: #222; stroke: #bbb; } .optimal { fill: #5aa7f5; } .grid-aware { fill: #3fc78e; }
  }
"""


class Chart:
    def __init__(self, document):
        self.parts = []
        self.points = {}
        for entry in document["results"]:
            key = entry["signal"], entry["type"]
            self.points.setdefault(key, {"bits": entry["bitsPerWeight"]})[
                entry["encoder"], entry["method"]] = entry["sqnrDecibels"]

    def add(self, text):
        self.parts.append(text)

    def text(self, x, y, text, kind="", anchor="start"):
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{text}</text>')

    def line(self, kind, x1, y1, x2, y2):
        self.add(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def y(self, decibels):
        """What was kept exactly, or better than the axis goes, lies on its upper edge."""
        share = 1 if decibels is None else min(
            1, (decibels - DECIBELS[0]) / (DECIBELS[1] - DECIBELS[0]))
        return self.top + HEIGHT * (1 - share)

    def frame(self, title):
        self.text(LEFT, self.top - 26, title, "title")
        for decibels in range(DECIBELS[0], DECIBELS[1], 5):
            self.line("grid", LEFT, self.y(decibels), WIDTH - RIGHT, self.y(decibels))
            self.text(LEFT - 8, self.y(decibels) + 4, f"{decibels} dB", "faint", "end")

    def columns(self, signal):
        """Type, middle of its column and its results, ascending in size, then in what ggml keeps."""
        rows = sorted(
            ((key[1], point) for key, point in self.points.items()
             if key[0] == signal and point["bits"] < MOST_BITS),
            key=lambda row: (row[1]["bits"], row[1]["ggml", "reference"] or DECIBELS[1]))
        for index, (name, point) in enumerate(rows):
            yield name, LEFT + (index + 0.5) * (WIDTH - LEFT - RIGHT) / len(rows), point

    def panel(self, number, signal, title):
        self.top = TOP + number * (HEIGHT + GAP)
        self.frame(title)
        for name, x, point in self.columns(signal):
            marks = [(kind, self.y(point[key])) for kind, key in (
                ("ggml", ("ggml", "reference")), ("optimal", ("quern", "optimal")),
                ("grid-aware", ("quern", "grid-aware"))) if key in point]
            ys = [y for _, y in marks]
            self.line("pair", x, min(ys), x, max(ys))
            if signal == "gauss":
                # Shannon's bound: 20·log10(2) decibels a bit.
                limit = self.y(6.0206 * point["bits"])
                self.line("limit", x - 14, limit, x + 14, limit)
            for kind, y in marks:
                self.add(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>')
            self.text(x, min(ys) - 9, name, anchor="middle")
            self.text(x, self.top + HEIGHT + 18, f"{point['bits']:.4g}", "faint", "middle")
        self.text(LEFT - 8, self.top + HEIGHT + 18, "bits", "faint", "end")

    def legend(self):
        y = 20
        for x, kind, text in ((LEFT, "ggml", "ggml, its reference encoder"),
                              (LEFT + 210, "optimal", "Quern, optimal"),
                              (LEFT + 350, "grid-aware", "Quern, from the FP4 grid")):
            self.add(f'<circle class="{kind}" cx="{x + 5}" cy="{y - 4}" r="4.5"/>')
            self.text(x + 16, y, text)
        self.line("limit", LEFT + 530, y - 4, LEFT + 548, y - 4)
        self.text(LEFT + 556, y, "no code of these bits keeps more")

    def svg(self):
        self.legend()
        self.panel(0, "gauss", "Gaussian weights: decibels kept, by type and bits a weight")
        self.panel(1, "mxfp4-ceil", "Weights that were FP4 (upper edge: exact, or above 41 dB)")
        height = TOP + 2 * HEIGHT + GAP + 36
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                f'width="{WIDTH}" height="{height}" role="img" '
                'aria-label="Signal to noise against bits for each weight">\n'
                f"<style>{STYLE}</style>\n" + "\n".join(self.parts) + "\n</svg>\n")
