"""The names of the fields of a certificate and of `quern verify --json`, in one place."""

import dataclasses
import json
import math

from support import certificate_path

ROWS = "tensors"
CLASS_EXACT = "exact"


@dataclasses.dataclass
class Row:
    """One output tensor as the certificate tells it. Sums are float64; digests are hexadecimal."""

    name: str
    file: int
    type: str
    kind: str
    signal: float
    noise: float
    max_absolute_error: float
    parts: int
    chunk_rows: int
    digest: str
    source_digests: dict

    @property
    def exact(self):
        return self.kind == CLASS_EXACT

    @property
    def relative_error(self):
        """Root of noise over signal."""
        return math.sqrt(self.noise / self.signal) if self.signal else 0.0


def _row(entry):
    return Row(
        name=entry["name"], file=entry.get("file", 0), type=entry["type"].upper(), kind=entry["class"],
        signal=entry["signal"], noise=entry["noise"],
        max_absolute_error=entry["maxAbsError"], parts=entry.get("parts"),
        chunk_rows=entry.get("chunkRows"),
        digest=entry.get("hash"),
        source_digests={part["name"]: part["hash"] for part in entry.get("sources", [])})


def load(output):
    """The certificate beside an output, as read."""
    return json.loads(certificate_path(output).read_text())


def rows(output):
    return [_row(entry) for entry in load(output)[ROWS]]


def verify_rows(report):
    return [_row(entry) for entry in report[ROWS]]
