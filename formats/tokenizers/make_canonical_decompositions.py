#!/usr/bin/env python3
"""Writes `formats/canonical-decompositions.json` from Python's copy of the Unicode data.

    make_canonical_decompositions.py OUT

Only what Unicode 9 has, which the tokenizers library normalizes by: newer pairs stay apart there. The one
pair that came between then and Unicode 15 is left out by name.
"""

import json
import sys
import unicodedata

NEWER = {0x11938}


def main(out):
    pairs, only, singletons = [], [], []
    for value in range(0x110000):
        text = unicodedata.decomposition(chr(value)) if not 0xD800 <= value < 0xE000 else ""
        if not text or text.startswith("<") or value in NEWER:
            continue
        parts = [int(part, 16) for part in text.split()]
        if len(parts) == 1:
            singletons += [value, parts[0]]
        elif unicodedata.normalize("NFC", chr(value)) == chr(value):
            pairs += [value, *parts]
        else:
            only += [value, *parts]
    members = {"pairs": pairs, "onlyDecomposed": only, "singletons": singletons}
    with open(out, "w") as file:
        file.write("{\n")
        for index, (name, values) in enumerate(members.items()):
            size = 2 if name == "singletons" else 3
            rows = [",".join(map(str, values[at:at + 8 * size])) for at in range(0, len(values), 8 * size)]
            file.write(f'"{name}":[\n' + ",\n".join(rows) + "]" + (",\n" if index < 2 else "\n"))
        file.write("}\n")


main(sys.argv[1])
