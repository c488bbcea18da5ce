#!/usr/bin/env python3
"""Compares token ids with those of the tokenizers library (PyPI), text by text.

    compare_tokenizers.py [--tool BINARY] [--texts N] [--seed N] [--keep FOLDER] [TOKENIZER.json|VOCABULARY.gguf...]

Texts are random: runs of every script, marks in any order, white space of all kinds, digits, emoji,
pieces of code and prose, contractions, added tokens with and without spaces around them. Without a
tokenizer it takes those of `testdata`; a GGUF file with a vocabulary of byte-level BPE is read by both
sides: by Quern as it is, by the library as the `tokenizer.json` that its lists make. `--tool` is the
program that `swift build --product TokenizeTexts` makes. It needs tokenizers, and gguf for GGUF files;
it is not part of `.ci/run`.
"""

import argparse
import json
import pathlib
import random
import struct
import subprocess
import tempfile
import time
import unicodedata

from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = json.loads((ROOT / "formats/pre-tokenizers.json").read_text())

RANGES = [
    (0x20, 0x7F), (0x20, 0x7F), (0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700),
    (0x900, 0x980), (0xE00, 0xE80), (0x1100, 0x1200), (0x1E00, 0x2000), (0x2000, 0x2070), (0x2070, 0x2C00),
    (0x3000, 0x3100), (0x3400, 0x3500), (0x4E00, 0xA000), (0x9F90, 0xA010), (0xAC00, 0xD7B0), (0xF900, 0xFB50),
    (0xFE00, 0x10000), (0x10000, 0x20000), (0x1F300, 0x1FB00), (0x20000, 0x32400), (0xE0000, 0xE0200),
]
PIECES = [
    "'s", "'T", "'re", "'VE", "'m", "'ll", "'D", "'\u017f", "\u2019s", "don't", "I'LL", " ", "  ", "   \n", "\r\n", "\n\n",
    "\t", "\t\t", " \t ", "\u3000", "\u00a0", "\u200b", "\u200d", "\ufe0f", "\x00", "\x1f", "\x85", "0", "12", "1234567",
    "3.14", "1,000,000", "\u0664\u0662", "\u096b", "\u2167", "\u00bd", "\u00b2", "x_1", "foo(bar)", "->", "!=", "//", "/*", "*/", "#!", "...",
    "{\n  \"a\": [1, 2]\n}", "def f(x):\n    return x", "<div class=\"a\">", "https://a.example/b?c=d", "user@host",
    "Hello", "world", "Donaudampfschiff", "Стол", "Καλημέρα", "שלום", "سلام", "नमस्ते", "สวัสดี", "안녕하세요",
    "こんにちは", "カタカナ", "你好，世界", "𠮷野家", "e\u0301", "e\u0327\u0301", "\u0301\u0327", "q\u0307\u0323", "\u1112\u1161\u11ab", "\u212b", "\u2126", "\uf900",
    "👩\u200d👩\u200d👧", "🏳️\u200d🌈", "🇩🇪", "👍🏽", "①", "㍿", "ﬁ", "ẞ", "ǅ", "ª", "ʰ", "٪", "€", "♥", "∑", "°",
]


def random_text(random, added):
    parts = []
    for _ in range(random.randint(1, 30)):
        kind = random.random()
        if kind < 0.4:
            parts.append(random.choice(PIECES))
        elif kind < 0.5:
            parts.append(random.choice([" ", "\n", "\t", "\r", "\u2028", "\u00a0"]) * random.randint(1, 5))
        elif kind < 0.6 and added:
            parts.append(random.choice(["", " ", "\n", "a", "1"]) + random.choice(added))
        elif kind < 0.65:
            parts.append(random.choice("aA0 -=#é中\n") * random.randint(1, 40))
        else:
            first, end = random.choice(RANGES)
            run = (chr(random.randrange(first, end)) for _ in range(random.randint(1, 8)))
            parts.append("".join(c for c in run if not 0xD800 <= ord(c) < 0xE000))
        if random.random() < 0.3:
            parts.append(" ")
    return "".join(parts)


def files(limit=1 << 16):
    """Real text and code: this repository."""
    for path in sorted(ROOT.rglob("*")):
        if path.suffix in {".swift", ".md", ".py", ".c", ".h", ".json", ".json5", ".txt", ".sh"} and ".build" not in path.parts:
            try:
                yield path.read_bytes()[:limit].decode("utf-8", errors="ignore")
            except OSError:
                continue


def ids(tool, path, texts):
    """What Quern makes of texts, and the seconds it took."""
    data = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    start = time.monotonic()
    result = subprocess.run([tool, str(path)], input=data, capture_output=True)
    seconds = time.monotonic() - start
    if result.returncode != 0:
        raise SystemExit(f"{path}: {result.stderr.decode()}")
    out, position, lists = result.stdout, 0, []
    while position < len(out):
        (count,) = struct.unpack_from("<I", out, position)
        lists.append(list(struct.unpack_from(f"<{count}I", out, position + 4)))
        position += 4 + 4 * count
    return lists, seconds


def from_gguf(path):
    """The tokenizer.json of a GGUF file's lists."""
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    name = fields["tokenizer.ggml.pre"].contents()
    chain = next(chain for chain in TABLE["chains"] if chain["name"] == name)
    steps = []
    for step in chain["steps"]:
        if step == "digits":
            steps.append({"type": "Digits", "individual_digits": True})
        elif step.startswith("bytes"):
            steps.append({"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": step != "bytes"})
        else:
            pattern = {"Regex": TABLE["patterns"][step]}
            steps.append({"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False})
    flags = dict(single_word=False, lstrip=False, rstrip=False, normalized=False)
    added = [
        dict(id=id, content=text, special=types[id] == 3, **flags) for id, text in enumerate(tokens) if types[id] in (2, 3, 4)
    ]
    vocabulary = {text: id for id, text in enumerate(tokens) if types[id] in (1, 2, 3, 4)}
    merges = [merge for merge in fields["tokenizer.ggml.merges"].contents() if merge.replace(" ", "") in vocabulary]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "NFC"} if "NFC" in chain["normalizers"] else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps}, "post_processor": None, "decoder": None,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
            "ignore_merges": chain["ignoreMerges"], "vocab": vocabulary, "merges": merges,
        },
    }


def compare(tool, path, texts_count, seed, scratch):
    generator = random.Random(seed)
    if path.suffix == ".gguf":
        text = json.dumps(from_gguf(path), ensure_ascii=False)
        subject = path
    else:
        text = path.read_text(encoding="utf-8")
        subject = scratch / "one"
        subject.mkdir(exist_ok=True)
        (subject / "tokenizer.json").write_text(text, encoding="utf-8")
    library = Tokenizer.from_str(text)
    added = [token["content"] for token in json.loads(text)["added_tokens"]][:40]
    texts = [random_text(generator, added) for _ in range(texts_count)]
    texts += [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) not in ("Co", "Cn", "Lo")]
    texts += list(files())
    start = time.monotonic()
    expected = [encoding.ids for encoding in library.encode_batch(texts, add_special_tokens=False)]
    library_seconds = time.monotonic() - start
    found, seconds = ids(tool, subject, [text.encode("utf-8") for text in texts])
    differing = [index for index, (a, b) in enumerate(zip(expected, found, strict=True)) if a != b]
    size = sum(len(text.encode("utf-8")) for text in texts)
    print(
        f"{path}: {len(texts) - len(differing)} of {len(texts)} texts agree ({size / 1e6:.1f} MB; "
        f"Quern {seconds:.1f} s with loading, the library {library_seconds:.1f} s)"
    )
    for index in differing[:5]:
        print(f"  {texts[index][:200]!r}\n    {expected[index][:40]}\n    {found[index][:40]}")
    return not differing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizers", nargs="*", type=pathlib.Path)
    parser.add_argument("--tool", default=str(ROOT / ".build/release/TokenizeTexts"))
    parser.add_argument("--texts", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="write the tokenizer.json of GGUF files here")
    arguments = parser.parse_args()
    paths = arguments.tokenizers or [
        ROOT / "testdata/deepseek/tokenizer.json", ROOT / "testdata/stories260K/f32/tokenizer.json",
        *sorted((ROOT / "testdata/tokenizers").glob("*/tokenizer.json")),
    ]
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        for path in paths:
            if path.suffix == ".gguf":
                (arguments.keep / f"{path.stem}.json").write_text(json.dumps(from_gguf(path), ensure_ascii=False))
    with tempfile.TemporaryDirectory() as scratch:
        agree = [compare(arguments.tool, path, arguments.texts, arguments.seed, pathlib.Path(scratch)) for path in paths]
    raise SystemExit(0 if all(agree) else 1)


main()
