#!/usr/bin/env python3
"""Writes token-id files with numpy, and `expected.json`: the ids, or what the refusal must name.

    make_tokens.py
"""

import json
import pathlib

import numpy

HERE = pathlib.Path(__file__).resolve().parent
IDS = numpy.arange(12).reshape(3, 4) * 9


def main():
    cases = {}

    def case(name, array, names=None, version=None):
        with open(HERE / f"{name}.npy", "wb") as file:
            numpy.lib.format.write_array(file, array, version=version)
        if names:
            cases[f"{name}.npy"] = {"refused": names}
        else:
            cases[f"{name}.npy"] = {"ids": numpy.atleast_2d(array).tolist()}

    for kind in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]:
        case(f"rank2-{kind}", IDS.astype(f"<{kind}"))
    case("rank1-i8", numpy.array([0, 1, 4294967295]))
    case("rank1-u2", numpy.array([65535, 7], dtype="<u2"))
    case("columns-i4", numpy.asfortranarray(IDS.astype("<i4")))
    case("version2-i8", IDS, version=(2, 0))
    case("version3-u4", IDS.astype("<u4"), version=(3, 0))
    case("big-endian", IDS.astype(">i4"), ["descr", ">i4"])
    case("float", IDS.astype("<f4"), ["descr", "<f4"])
    case("bool", IDS > 3, ["descr", "|b1"])
    case("rank0", numpy.array(5), ["shape", "[]"])
    case("rank3", IDS.reshape(1, 3, 4), ["shape", "[1, 3, 4]"])
    case("no-tokens", IDS[:, :0], ["shape", "[3, 0]"])
    case("negative", numpy.array([[1, 2], [3, -4]]), ["sequence 1, position 1", "-4"])
    case("beyond", numpy.array([1, 4294967296]), ["sequence 0, position 1", "4294967296"])
    case("beyond-u8", numpy.array([2**64 - 1], dtype="<u8"), ["sequence 0, position 0", "18446744073709551615"])
    rows = ",\n".join(f'"{name}": {json.dumps(value)}' for name, value in cases.items())
    (HERE / "expected.json").write_text("{\n" + rows + "\n}\n")


main()
