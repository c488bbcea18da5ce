#!/usr/bin/env python3
"""Makes `ids.json` and the small tokenizers beside it with the tokenizers library.

    make_ids.py

The small ones are trained here on the texts below, with the split patterns that the published tokenizers of
each family have (`formats/pre-tokenizers.json`); two more are stories260K's with other steps before it.
"""

import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers.pre_tokenizers import ByteLevel, Digits, Metaspace, Sequence, Split

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATTERNS = json.loads((ROOT / "formats/pre-tokenizers.json").read_text())["patterns"]

TEXTS = [
    "", " ", "  ", "a", " a", "a ", "\n", "\r\n", "\n\n\n", "\t", " \t \n ", "a\n\nb", "a \n b", "a\r\n\r\nb\r\n", "    indented",
    "Hello, world!", "The quick brown fox jumps over the lazy dog.", "I'LL say it's theirs, they've said; don't 'S 'ſ you'd",
    "It\u2019s a \u201cquote\u201d \u2014 and an ellipsis\u2026", "CamelCase snake_case kebab-case SCREAMING_CASE",
    "1 12 123 1234 12345 1,234,567.89 3.14e-10 0x1F 1st 2nd", "٣١٤ १२३ ๑๒๓ Ⅷ ½ ² ①", "x=1;y=22;z=333;w=4444", "2026-11-27T20:47:55Z",
    "Größe, Straße, Übermut; ça va? où; señor, mañana; þing", "Donaudampfschifffahrtsgesellschaftskapitän",
    "Съешь же ещё этих мягких французских булок", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία", "שלום עולם, מה שלומך?",
    "مرحبا بالعالم، كيف حالك؟", "السَّلَامُ عَلَيْكُمْ", "नमस्ते दुनिया, क्या हाल है?", "สวัสดีชาวโลก สบายดีไหม", "ဟယ်လို ကမ္ဘာ",
    "வணக்கம் உலகம்", "안녕하세요 세계 여러분", "こんにちは世界。カタカナとひらがな、漢字。", "你好，世界！今天天气很好。", "繁體中文與简体中文混排", "𠮷野家で𩸽を食べる",
    "龥龦鿿㐀 一 ぁゟ゠ヿ", "ﬁ ﬀ Å Å Å e\u0301 e\u0327\u0301 q\u0307\u0323 \u1112\u1161\u11ab \uac00\u11a8 가 Ω ", "ä\u0308 \u0301x \u0344",
    "👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈 🇩🇪🇫🇷 👍🏽 ❤️", "😀😃😄😁😆", "zero\u200bwidth\ufeffbom\u00a0nbsp\u3000wide\u2028line", "\x00\x01\x1f\x7f\x80\x85\xad",
    "def f(x):\n    if x > 0:\n        return x * 2\n    return None  # done\n",
    "int main(void) {\n\tprintf(\"%d\\n\", 42);\n\treturn 0;\n}\n", "fn main() { let v: Vec<u8> = vec![0; 16]; println!(\"{:?}\", v); }",
    "const f = async (a) => { await g(`${a}`); } // ok?", "SELECT * FROM t WHERE a >= 10 AND b IS NOT NULL;", "<div class=\"a\">&nbsp;</div>",
    "https://example.org/a?b=c&d=%20#e user@example.org", "$HOME/.config && echo \"$1\" | grep -v '^#' >/dev/null 2>&1", "{\"a\": [1, 2.5, null], \"b\": {}}",
    "#include <stdio.h>\r\n#define X(a) ((a)+1)\r\n", "!!!???...---===>>><<<", "'''\"\"\"```", "a.b.c(d)[e]{f}", "~`!@#$%^&*()-_=+[]{}\\|;:'\",.<>/?", "x²+y³=√z ∑∫∂ ≤≥≠ →⇒",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "----------------------------------------", "                                        x",
    "<s>", "<s> text </s>", " <s>a</s><s>b", "<unk> unknown", "<|begin|>system<|end|>", "a<|begin|> b <|end|>\n c", "<|begin|><|begin|>", "<｜begin▁of▁sentence｜>Hi<｜User｜>你好<｜Assistant｜>好",
    "<mark>", "a <mark> b", "  <mark>  b", "x<mark>y", "<word>", "a<word>b", "a <word> b", "é<word> 1<word>", "<wordy>", "e\u0301tat é<norm>e\u0301<norm>", "norm \u00e9norme e\u0301norme",
    "▁", "▁a ▁▁b", " ▁ ", "<0x0A>", "<0x41><0xFF>", "Once upon a time, there was a little girl named Lily.\nShe loved to play.", "One day\nThe end.", "Tom and Ben",
    "Ünïcödé", "ẞß ǅ ª ʰ ꟲ", "\U0001f9d1\u200d\U0001f4bb writes \U0001d4d2\U0001d4f8\U0001d4ed\U0001d4ee", "\u2167\u217b \u09ea\u09eb", "mixed中文with英文and123数字",
    "עִבְרִית", "ก็ ที่ น้ำ", "क्षत्रिय", "\u0e33\u0e4d", "\ud7b0\u1160\u115f", "\u16fe0 \u088f \U000323b0 \U00011de0", "\n \n  \n", "a  b   c    d", "a\t\tb", ".\n", "!\r\n\r\n", "?\n\n  x",
]

# Not UTF-8: each maximal subpart is one U+FFFD, as `errors="replace"` has it.
BYTES = ["61ff62", "80", "c3", "e4b8", "e4b8616263", "f09f98", "f09f9861", "eda080", "c0af", "f4908080", "fe20ff", "61e28281c3a9c3"]


def byte_level(name, steps, normalizer=None, size=640, extra=(), **options):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = Sequence(steps) if len(steps) > 1 else steps[0]
    special = ["<|begin|>", "<|end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, initial_alphabet=sorted(ByteLevel.alphabet()), show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    added = [
        AddedToken("<mark>", lstrip=True, rstrip=True, normalized=False), AddedToken("<word>", single_word=True, normalized=False),
        AddedToken("\u00e9<norm>", normalized=True),
    ]
    tokenizer.add_tokens(added)
    value = json.loads(tokenizer.to_str())
    value["model"].update(options)
    # Tokens that no merge makes; the added ones move behind them, as the library numbers them.
    first = len(value["model"]["vocab"])
    value["model"]["vocab"].update({text: first + index for index, text in enumerate(extra)})
    for token in value["added_tokens"]:
        token["id"] += len(extra) if token["id"] >= first else 0
    return name, value


def split(name):
    return Split(Regex(PATTERNS[name]), "isolated")


def characters(name, pre_tokenizer, **options):
    value = json.loads((ROOT / "testdata/stories260K/f32/tokenizer.json").read_text())
    value["normalizer"] = None
    value["pre_tokenizer"] = pre_tokenizer
    value["model"].update(options)
    value["added_tokens"].append(
        {"id": 512, "content": "<mark>", "single_word": False, "lstrip": True, "rstrip": True, "normalized": True, "special": False}
    )
    if not options.get("byte_fallback", True):
        vocabulary = value["model"]["vocab"]
        value["model"]["vocab"] = {text.replace("<0x", "[byte "): id for text, id in vocabulary.items()}
    return name, value


def made():
    bytes_step = ByteLevel(add_prefix_space=False, use_regex=False)
    name, value = byte_level(
        "llama-3-style", [split("L3"), bytes_step], extra=["\u0120Lily", "girl", "\u0120upon"], ignore_merges=True
    )
    template = processors.TemplateProcessing(single="<|begin|> $A", pair="<|begin|> $A <|begin|> $B", special_tokens=[("<|begin|>", 0)])
    value["post_processor"] = {
        "type": "Sequence", "processors": [value["post_processor"], json.loads(template.__getstate__())]
    }
    yield name, value
    yield byte_level("qwen-2-style", [split("Q2"), bytes_step], normalizers.NFC())
    yield byte_level("qwen-3.5-style", [split("Q35"), bytes_step], normalizers.NFC())
    yield byte_level("gpt-2-style", [ByteLevel(add_prefix_space=False, use_regex=True)])
    yield byte_level("deepseek-coder-style", [*map(split, ["C1", "C2", "C3", "C4"]), Digits(individual_digits=True), bytes_step])
    yield characters("metaspace-first", {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False})
    yield characters(
        "metaspace-words", {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        byte_fallback=False, fuse_unk=False,
    )


def main():
    paths = ["deepseek/tokenizer.json", "stories260K/f32/tokenizer.json"]
    for name, value in made():
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        (folder / "tokenizer.json").write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
        paths.append(f"tokenizers/{name}/tokenizer.json")
    texts = TEXTS + [bytes.fromhex(text).decode("utf-8", errors="replace") for text in BYTES]
    lines = ['{"texts": [', ",\n".join(json.dumps(text) for text in TEXTS), '],\n"bytes": ' + json.dumps(BYTES) + ',\n"tokenizers": [']
    entries = []
    for path in paths:
        library = Tokenizer.from_file(str(ROOT / "testdata" / path))
        ids = [encoding.ids for encoding in library.encode_batch(texts, add_special_tokens=False)]
        prefix = library.encode("", add_special_tokens=True).ids
        builtin = library.encode((ROOT / "formats/texts/parity.txt").read_text(), add_special_tokens=False).ids
        summary = [len(builtin), sum(position * id for position, id in enumerate(builtin, start=1)) % 2**31]
        head = f'{{"path": {json.dumps(path)}, "prefix": {prefix}, "builtInText": {summary}, "ids": [\n'
        entries.append(head + ",\n".join(json.dumps(row, separators=(",", ":")) for row in ids) + "]}")
    lines.append(",\n".join(entries) + "]}")
    (HERE / "ids.json").write_text("\n".join(lines) + "\n")


main()
