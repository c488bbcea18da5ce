"""Expected tokenizer metadata, as llama.cpp's gguf-py and Hugging Face's transformers see it.

    make_reference.py GGUF_PY V4_FOLDER OUT

GGUF_PY is the gguf-py folder of a llama.cpp tree; V4_FOLDER holds the tokenizer files and the
config.json of DeepSeek-V4. Needs PyPI transformers and pyyaml.
"""
import json, pathlib, struct, sys, tempfile

sys.path.insert(0, sys.argv[1])
import gguf
from gguf.utility import model_weight_count_rounded_notation, size_label

OUT = pathlib.Path(sys.argv[3])


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def strings(texts):
    data = b"".join(struct.pack("<Q", len(t.encode())) + t.encode() for t in texts)
    return {"count": len(texts), "fnv1a": fnv(data), "first": texts[:4], "last": texts[-4:]}


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (OUT / name).write_text(text.replace('],["', '],\n["') + "\n", encoding="utf-8")


def v4(folder, size):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = {i: text for text, i in tokenizer.get_vocab().items()}
    added = tokenizer.added_tokens_decoder
    tokens, types = [], []
    for i in range(size):
        text, kind = texts.get(i, f"[PAD{i}]"), 1 if i in texts else 5
        if i in added:
            special = added[i].special or (text[:2], text[-2:]) in [("<|", "|>"), ("<｜", "｜>")]
            kind = 3 if special else 4
        tokens.append(text)
        types.append(kind)
    special = gguf.SpecialVocab(pathlib.Path(folder), load_merges=True)
    return {
        "tokens": strings(tokens),
        "token_type": {"count": size, "fnv1a": fnv(struct.pack(f"<{size}i", *types))},
        "merges": strings(special.merges),
        "ids": special.special_token_ids,
        "flags": special.add_special_token,
    }


def special_cases():
    def tok(text):
        return {"SpecialToken": {"id": text, "type_id": 0}}

    def seq(name):
        return {"Sequence": {"id": name, "type_id": 0}}

    def template(single, pair=()):
        return {"type": "TemplateProcessing", "single": list(single), "pair": list(pair)}

    level, a, b = {"type": "ByteLevel"}, seq("A"), seq("B")
    s, e, x = tok("<s>"), tok("</s>"), tok("<x>")
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": {"content": "<unk>"}}
    processors = [
        None,
        level,
        template([s, a]),
        template([s, a], [s, a, s, b]),
        template([a, e], [a, e, b, e]),
        template([s, a, e], [s, a, e, b, e]),
        template([s, a, e], [s, a, e, e, b, e]),
        template([a], [a, e, b]),
        template([a], [a, b]),
        template([x, a, x], [x, a, x, b, x]),
        template([a, s]),
        {"type": "Sequence", "processors": [level, template([s, a], [s, a, s, b])]},
        {"type": "Sequence", "processors": [template([s, a]), level]},
        {"type": "RobertaProcessing", "cls": ["<s>", 1], "sep": ["</s>", 2]},
    ]
    configs = [
        (None, {}),
        ({}, {"bos_token_id": 1}),
        (names, {}),
        (names | {"add_bos_token": False, "add_eos_token": True}, {"eos_token_id": [2, 3]}),
        ({"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<x>"}, {"pad_token_id": 4}),
        ({"eos_token": "</s>", "pad_token": "<none>"}, {"bos_token_id": 1, "pad_token_id": 0}),
        (names | {"add_sep_token": True}, {"text_config": {"pad_token_id": 5}}),
        ({"bos_token": None, "eos_token": "<x>"}, {"eos_token_id": 2, "bos_token_id": 900}),
    ]
    added = [
        {"id": i, "content": t, "special": True}
        for i, t in enumerate(["<unk>", "<s>", "</s>", "<x>", "<m>"])
    ]
    keys = {"unk": "unknown", "sep": "seperator", "pad": "padding"}
    cases = []
    for processor in processors:
        for tokenizer_config, config in configs:
            tokenizer = {"added_tokens": added, "post_processor": processor, "model": {}}
            with tempfile.TemporaryDirectory() as folder:
                for name, value in [
                    ("tokenizer.json", tokenizer),
                    ("tokenizer_config.json", tokenizer_config),
                    ("config.json", config),
                ]:
                    if value is not None:
                        (pathlib.Path(folder) / name).write_text(json.dumps(value))
                special = gguf.SpecialVocab(pathlib.Path(folder), n_vocab=512)
            expected = [
                [f"tokenizer.ggml.{keys.get(t, t)}_token_id", i]
                for t, i in special.special_token_ids.items()
                if t != "cls"
            ] + [
                [f"tokenizer.ggml.add_{t}_token", v]
                for t, v in special.add_special_token.items()
                if t in ("bos", "eos", "sep")
            ]
            cases.append(expected)
    return {"added": added, "processors": processors, "configs": configs, "expected": cases}


def names():
    ids = """tiny-v4 deepseek-v3 f32 stories4M-bf16 llama-rope-scaled qwen3-moe DeepSeek-V4-Flash
    deepseek-ai/DeepSeek-V4-Flash-Base deepseek-ai/DeepSeek-V3.2-Exp Qwen/Qwen2.5-7B-Instruct
    meta-llama/Llama-3.2-1B-Instruct mistralai/Mixtral-8x7B-Instruct-v0.1 bloom-7b1
    Qwen/Qwen3-235B-A22B-Instruct-2507 Phi-3-mini-4k-instruct phi-2 gpt2-xl Model-1_5b-chat
    NousResearch/Hermes-2-Pro-Llama-3-8B llama-2-7b-32k google/gemma-2b-it-v1.1 ./relative
    TinyLlama/TinyLlama-1.1B-Chat-v1.0 a--b iter3-model v2 snapshot-0123abcd 7b-model model-q4_k
    Some--Model-XXL-lora stabilityai/stablelm-2-zephyr-1_6b x-y-z-13T-Vision-v1-v2 -""".split()
    ids += ["A plain name 7B", "über-modell-3b-chat"]
    result = []
    for name in ids:
        for total in (0, 260_000, 8_030_000_000, 671_000_000_000):
            parts = gguf.Metadata.get_model_id_components(name, total)
            result.append([name, total, gguf.Metadata.id_to_title(parts[0]), *parts])
    return result


def sizes():
    counts = [1, 4, 5, 15, 99, 126, 260, 499, 500, 501, 949, 950, 999, 1500, 2500, 9499, 9500, 9501]
    counts += [10499, 10500, 259_704, 508_672, 949_999, 999_999, 1_000_000, 1_000_001, 1_050_000]
    counts += [1_250_000, 4_150_000, 4_250_000, 4_350_000, 4_650_000, 9_949_999, 9_950_000]
    counts += [10_000_000, 999_999_999, 1_000_000_001, 1_350_000_000, 6_738_415_616, 70_553_706_496]
    counts += [671_026_419_200, 10**12, 10**12 + 1, 1_026_408_225_792, 4_850_000_000_000]
    return [[c, model_weight_count_rounded_notation(c)] for c in counts]


write("deepseek-v4.json", v4(sys.argv[2], 129280))
write("special-tokens.json", special_cases())
write("names.json", {"names": names(), "sizes": sizes()})
