"""A checksum of arrays that numpy and a loop of a few lines compute alike."""

import numpy as np


def checksum(words):
    """Σ word[i] · (2i + 1) mod 2⁶⁴ over the bit patterns in their order, in hexadecimal."""
    words = np.ascontiguousarray(words).reshape(-1).astype(np.uint64)
    places = np.arange(len(words), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    with np.errstate(over="ignore"):
        return f"{int((words * places).sum(dtype=np.uint64)):016x}"
