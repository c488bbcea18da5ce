"""ggml's own encoders and decoders, called through ctypes.

`find` takes a given libggml-base or builds one from the sources that PyPI's llama_cpp_python carries,
with the system's compiler and the flags that ggml's own build has by default.
"""

import ctypes
import hashlib
import json
import os
import pathlib
import subprocess
import tarfile
import urllib.request

import numpy as np

VERSION = "0.3.36"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
INDEX = "https://pypi.org/simple/llama-cpp-python/"
SOURCES = ("ggml.c", "ggml.cpp", "ggml-alloc.c", "ggml-backend.cpp", "ggml-backend-meta.cpp",
           "ggml-opt.cpp", "ggml-threading.cpp", "ggml-quants.c", "gguf.cpp")
FLAGS = ("-O3", "-march=native", "-fPIC", "-D_GNU_SOURCE", "-w")

# Type id, elements and bytes of a block (formats/types.json).
TYPES = {
    "Q8_0": (8, 32, 34), "Q4_0": (2, 32, 18), "Q4_1": (3, 32, 20), "Q5_0": (6, 32, 22),
    "Q5_1": (7, 32, 24), "IQ4_NL": (20, 32, 18), "MXFP4": (39, 32, 17), "NVFP4": (40, 64, 36),
    "Q4_K": (12, 256, 144), "Q5_K": (13, 256, 176), "Q6_K": (14, 256, 210),
    "IQ4_XS": (23, 256, 136),
}
# Elements whose mean square enters the weight that the search with an imatrix gives an element,
# importance · √(c · mean square + x²), and c (ggml-quants.c). The others weigh by importance alone.
ROW = 0
WEIGHTED_BY_MAGNITUDE = {
    "Q4_0": (ROW, 1), "Q4_1": (ROW, 1), "Q5_0": (ROW, 1), "Q5_1": (ROW, 1), "Q4_K": (256, 2),
    "Q5_K": (256, 2), "IQ4_XS": (256, 2), "IQ4_NL": (32, 2),
}


class Absent(Exception):
    """ggml cannot be had here; the message says why."""


def find(given, folder):
    """The library, and in what words to name it. Raises Absent."""
    if given:
        if not pathlib.Path(given).exists():
            raise Absent(f"{given} is not there")
        return Ggml(given), "a given libggml-base"
    compiler = os.environ.get("CC", "cc")
    try:
        library = build(source(folder), folder, compiler)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise Absent(f"ggml could not be built: {error}") from error
    return Ggml(library), f"llama_cpp_python {VERSION}, {compiler} {' '.join(FLAGS[:2])}"


def source(folder):
    """Downloads and unpacks llama_cpp_python; its ggml folder."""
    name = f"llama_cpp_python-{VERSION}.tar.gz"
    request = urllib.request.Request(
        INDEX, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        files = {file["filename"]: file["url"] for file in json.load(answer)["files"]}
    with urllib.request.urlopen(files[name], timeout=300) as answer:
        archive = answer.read()
    if hashlib.sha256(archive).hexdigest() != SHA256:
        raise Absent(f"{name} is not the file that this script knows")
    (folder / name).write_bytes(archive)
    with tarfile.open(folder / name) as tar:
        tar.extractall(folder, filter="data")
    return folder / name.removesuffix(".tar.gz") / "vendor" / "llama.cpp" / "ggml"


def build(ggml, folder, compiler):
    """Compiles the sources of ggml-base; the shared library."""
    (folder / "ggml-version.h").write_text('#define GGML_VERSION ""\n#define GGML_COMMIT ""\n')
    includes = [f"-I{path}" for path in (folder, ggml / "include", ggml / "src")]
    objects = []
    for name in SOURCES:
        objects.append(folder / f"{name}.o")
        program = os.environ.get("CXX", "c++") if name.endswith(".cpp") else compiler
        subprocess.run([program, *FLAGS, *includes, "-c", ggml / "src" / name, "-o", objects[-1]],
                       check=True, capture_output=True)
    library = folder / "libggml-base.so"
    subprocess.run([os.environ.get("CXX", "c++"), "-shared", *objects, "-o", library, "-lm",
                    "-lpthread"], check=True, capture_output=True)
    return library


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


class Ggml:
    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        self.library.ggml_quantize_chunk.restype = ctypes.c_size_t

    def encode(self, name, rows, importance=None):
        """Blocks of float32 rows; `importance` is one float32 for each column or None."""
        number, elements, byte_count = TYPES[name]
        blocks = np.zeros(rows.size // elements * byte_count, np.uint8)
        self.library.ggml_quantize_chunk(
            number, pointer(rows), pointer(blocks), ctypes.c_int64(0),
            ctypes.c_int64(rows.shape[0]), ctypes.c_int64(rows.shape[1]),
            None if importance is None else pointer(importance))
        return blocks

    def decode(self, name, blocks):
        """float32 values of whole blocks."""
        _, elements, byte_count = TYPES[name]
        values = np.zeros(blocks.size // byte_count * elements, np.float32)
        # Q4_K's is called dequantize_row_q4_K.
        function = "dequantize_row_" + (name.lower()[:-1] + name[-1] if name.endswith("_K")
                                        else name.lower())
        getattr(self.library, function)(pointer(blocks), pointer(values),
                                        ctypes.c_int64(values.size))
        return values


def search_weights(name, rows, importance):
    """What ggml's search with an imatrix weighs each squared error with, float64."""
    weights = np.broadcast_to(importance.astype(np.float64), rows.shape)
    if name not in WEIGHTED_BY_MAGNITUDE:
        return weights
    elements, factor = WEIGHTED_BY_MAGNITUDE[name]
    squares = rows.astype(np.float64) ** 2
    runs = squares.reshape(-1, elements or rows.shape[1])
    mean = np.broadcast_to(runs.mean(1, keepdims=True), runs.shape).reshape(rows.shape)
    return weights * np.sqrt(factor * mean + squares)
