"""Good inputs of every kind that the programs read, all made here, for scripts/fuzz-files to damage."""
import json
import struct
import subprocess

import h5py
import numpy as np


def header(file, content, layers, heads, kv_heads, dim):
    file.attrs.update(format="toptheta.attention-dump", version=1, content=content, num_layers=layers, num_heads=heads,
                      num_kv_heads=kv_heads, head_dim=dim, model="tiny model", producer="a test")
    if content == "qk":
        file.attrs["scale"] = dim ** -0.5
    else:
        file.attrs["placement"] = "pre-softmax"


def write_dump(path, content, storage, numbers, element="f4", **how):
    layers, heads, kv_heads, dim, length = 2, 2, 1, 8, 24
    with h5py.File(path, "w", **how) as file:
        header(file, content, layers, heads, kv_heads, dim)
        for sample in range(2):
            group = file.create_group("samples/%03d" % sample)
            group.attrs.update(kv_len=length, phase="prefill", source="text %d" % sample)
            group["tokens"] = np.arange(length, dtype="i4")
            for layer in range(layers):
                place = group.create_group("layers/%d" % layer)
                shapes = {"scores": (heads, length, length)} if content == "scores" else {
                    "q": (heads, length, dim), "k": (kv_heads, length, dim)}
                for name, shape in shapes.items():
                    more = dict(storage, chunks=tuple(min(8, side) for side in shape)) if storage else {}
                    place.create_dataset(name, data=numbers.normal(size=shape).astype(element), **more)
                place["row_index"] = np.arange(length, dtype="i4")


def safetensors(tensors):
    entries, data = {}, b""
    for name, values in tensors.items():
        raw = values.astype("<f4").tobytes()
        entries[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


def byte_symbols():
    """The letters that stand for bytes in byte-level tokenizers."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {**{byte: chr(byte) for byte in shown}, **{byte: chr(256 + i) for i, byte in enumerate(hidden)}}


def write_model(folder, numbers):
    hidden, ffn, heads, kv_heads, dim, vocab = 16, 24, 4, 2, 4, 262
    folder.mkdir()
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": hidden, "intermediate_size": ffn,
              "num_hidden_layers": 1, "num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": dim,
              "vocab_size": vocab, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "hidden_act": "silu",
              "rope_theta": 10000.0, "tie_word_embeddings": False, "bos_token_id": 260, "eos_token_id": 261}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    draw = lambda *shape: numbers.normal(scale=0.2, size=shape)
    layer = "model.layers.0."
    tensors = {"model.embed_tokens.weight": draw(vocab, hidden), "model.norm.weight": draw(hidden) + 1,
               "lm_head.weight": draw(vocab, hidden), layer + "input_layernorm.weight": draw(hidden) + 1,
               layer + "post_attention_layernorm.weight": draw(hidden) + 1,
               layer + "self_attn.q_proj.weight": draw(heads * dim, hidden),
               layer + "self_attn.k_proj.weight": draw(kv_heads * dim, hidden),
               layer + "self_attn.v_proj.weight": draw(kv_heads * dim, hidden),
               layer + "self_attn.o_proj.weight": draw(hidden, heads * dim), layer + "mlp.gate_proj.weight": draw(ffn, hidden),
               layer + "mlp.up_proj.weight": draw(ffn, hidden), layer + "mlp.down_proj.weight": draw(hidden, ffn)}
    (folder / "model.safetensors").write_bytes(safetensors(tensors))
    symbols = byte_symbols()
    merges = [("t", "h"), ("th", "e"), (symbols[32], "the"), ("a", "t")]
    pieces = [symbols[byte] for byte in range(256)] + [left + right for left, right in merges]
    added = [{"id": 260 + i, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": True} for i, text in enumerate(["<s>", "</s>"])]
    tokenizer = {"version": "1.0", "added_tokens": added, "normalizer": None,
                 "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
                 "post_processor": {"type": "TemplateProcessing", "single": [
                     {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                     "special_tokens": {"<s>": {"id": "<s>", "ids": [260], "tokens": ["<s>"]}}},
                 "decoder": {"type": "ByteLevel"},
                 "model": {"type": "BPE", "vocab": {piece: i for i, piece in enumerate(pieces)},
                           "merges": [" ".join(pair) for pair in merges]}}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": False}, "add_bos_token": True,
        "chat_template": CHAT_TEMPLATE}))
    (folder / "generation_config.json").write_text(json.dumps({
        "eos_token_id": [261], "temperature": 0.7, "top_p": 0.9, "top_k": 20, "do_sample": True}))


def shard_model(folder, numbers):
    """The same model in two files with an index."""
    write_model(folder, numbers)
    data = (folder / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    entries = json.loads(data[8:8 + size])
    values = {name: np.frombuffer(data[8 + size:][slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
              for name, entry in entries.items()}
    names = sorted(values)
    files = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, held in files.items():
        (folder / file).write_bytes(safetensors({name: values[name] for name in held}))
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({
        "metadata": {"total_size": len(data) - 8 - size},
        "weight_map": {name: file for file, held in files.items() for name in held}}, indent=1))


def gguf_value(value):
    """A value of GGUF's metadata: its type's number and its bytes."""
    text = lambda string: struct.pack("<Q", len(string.encode())) + string.encode()
    if isinstance(value, str):
        return 8, text(value)
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, list):
        kinds = [gguf_value(item) for item in value]
        return 9, struct.pack("<IQ", kinds[0][0], len(value)) + b"".join(data for _, data in kinds)
    return 4, struct.pack("<I", value)


# Number, weights in a block, and where in a block's bytes its f16 scales lie; the rest is noise.
GGUF_TYPES = {"f32": (0, 1, None), "f16": (1, 1, None), "q4_0": (2, 32, (18, [0])), "q8_0": (8, 32, (34, [0])),
              "q4_k": (12, 256, (144, [0, 2])), "q6_k": (14, 256, (210, [208])), "iq4_nl": (20, 32, (18, [0]))}


def gguf_data(numbers, kind, shape):
    _, block, layout = GGUF_TYPES[kind]
    count = int(np.prod(shape))
    if layout is None:
        return numbers.normal(scale=0.2, size=count).astype("<f4" if kind == "f32" else "<f2").tobytes()
    size, scales = layout
    blocks = numbers.integers(0, 256, size=(count // block, size), dtype=np.uint8)
    for at in scales:
        blocks[:, at:at + 2] = np.frombuffer(np.float16(0.004).tobytes(), np.uint8)
    return blocks.tobytes()


def byte_level_fields():
    pieces = [*byte_symbols().values(), "th", "at"]
    return {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.tokens": pieces,
            "tokenizer.ggml.token_type": [1] * len(pieces), "tokenizer.ggml.merges": ["t h", "a t"],
            "tokenizer.ggml.bos_token_id": 0, "tokenizer.ggml.eos_token_id": 1}


def sentencepiece_pieces():
    """Piece, score and type (1 normal, 2 unknown, 3 control, 6 byte) of a small vocabulary with all bytes."""
    special = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
    words = ["\u2581", "\u2581the", "th", "e", "t", "h", "a", "at", "\u2581c", "c", "s", "o", "n", "m", "d", "g", ".", ","]
    return special + [("<0x%02X>" % byte, 0.0, 6) for byte in range(256)] + [
        (word, -1.0 - i, 1) for i, word in enumerate(words)]


def sentencepiece_fields():
    pieces, scores, types = zip(*sentencepiece_pieces())
    return {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": list(pieces), "tokenizer.ggml.scores": list(scores),
            "tokenizer.ggml.token_type": list(types), "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2,
            "tokenizer.ggml.add_bos_token": True, "tokenizer.chat_template": CHAT_TEMPLATE}


def gguf(numbers, kind, tokenizer):
    number, block, _ = GGUF_TYPES[kind]
    heads, kv_heads = 4, 2
    hidden = max(16, block)
    ffn, dim = hidden * 2, hidden // heads
    vocab = len(tokenizer["tokenizer.ggml.tokens"])
    fields = {"general.architecture": "llama", "general.name": "tiny", "llama.block_count": 1, "llama.context_length": 64,
              "llama.embedding_length": hidden, "llama.feed_forward_length": ffn, "llama.attention.head_count": heads,
              "llama.attention.head_count_kv": kv_heads, "llama.attention.layer_norm_rms_epsilon": 1e-5,
              "llama.rope.dimension_count": dim, "llama.rope.freq_base": 10000.0, "llama.vocab_size": vocab, **tokenizer}
    shapes = {"token_embd.weight": (hidden, vocab), "output_norm.weight": (hidden,),
              "output.weight": (hidden, vocab), "blk.0.attn_norm.weight": (hidden,),
              "blk.0.ffn_norm.weight": (hidden,), "blk.0.attn_q.weight": (hidden, heads * dim),
              "blk.0.attn_k.weight": (hidden, kv_heads * dim), "blk.0.attn_v.weight": (hidden, kv_heads * dim),
              "blk.0.attn_output.weight": (heads * dim, hidden), "blk.0.ffn_gate.weight": (hidden, ffn),
              "blk.0.ffn_up.weight": (hidden, ffn), "blk.0.ffn_down.weight": (ffn, hidden)}
    out, data = struct.pack("<4sIQQ", b"GGUF", 3, len(shapes), len(fields)), b""
    for name, value in fields.items():
        code, raw = gguf_value(value)
        out += gguf_value(name)[1] + struct.pack("<I", code) + raw
    for name, shape in shapes.items():
        of_tensor = number if len(shape) > 1 else 0
        out += gguf_value(name)[1] + struct.pack("<I%dQ" % len(shape), len(shape), *shape)
        out += struct.pack("<IQ", of_tensor, len(data))
        data += gguf_data(numbers, kind if len(shape) > 1 else "f32", shape)
        data += b"\0" * (-len(data) % 32)
    return out + b"\0" * (-len(out) % 32) + data


CHAT_TEMPLATE = ("{% for m in messages %}{% if m['role'] == 'user' %}{{ 'U: ' + m['content'] | trim }}{% else %}{{ m.content }}"
                 "{% endif %}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}{{ 'A:' }}{% endif %}")


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def sentencepiece_model():
    """tokenizer.model: a message of protocol buffers."""
    field = lambda number, raw: varint(number << 3 | 2) + varint(len(raw)) + raw
    out = b""
    for piece, score, kind in sentencepiece_pieces():
        out += field(1, field(1, piece.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score) + varint(3 << 3) + varint(kind))
    trainer = varint(3 << 3) + varint(2) + varint(35 << 3) + varint(1)  # BPE, with bytes
    return out + field(2, trainer) + field(3, field(1, b"identity") + varint(3 << 3) + varint(1))


TASKS = {
    "choice.jsonl": [{"context": "The sky is", "choices": ["blue", "square"], "label": 0}],
    "hellaswag.jsonl": [{"ctx_a": "A man sits.", "ctx_b": "he", "activity_label": "Sitting", "endings": ["a", "b", "c", "d"],
                         "label": 1}],
    "arc.jsonl": [{"question": {"stem": "What?", "choices": [{"text": "x", "label": "A"}, {"text": "y", "label": "B"}]},
                   "answerKey": "B"}],
    "generation.jsonl": [{"prompt": "One and", "answer": "two", "stop": ["\n"], "max_new_tokens": 3}],
    "lambada.jsonl": [{"text": "the cat sat on the mat"}],
}
TOML = """seed = 3
threads = 1
[fit]
k = "4,8"
placement = "pre-softmax"
row-fraction = 0.5
estimator = "pooled"
"""


SWEEP = """[sweep]
model = "{model}"
task = ["{text}"]
attention = ["dense", "topk:sdc=exact"]
k = [4, 8]
phase = ["prefill"]
limit = 1
"""
TASK_FILE = """[task]
name = "quiz"
kind = "multiple-choice"
fields = ["question", "options", "gold"]
context = "Q: {question | strip}\\nA:"
choices = "{options}"
label = "{gold}"
delimiter = " "
[few-shot]
separator = "\\n\\n"
"""


def make_inputs(folder, calibrate, evaluate):
    """All good inputs; returns {kind: [files]}."""
    numbers = np.random.default_rng(7)
    dumps = {"contiguous": ({}, "f4", {}), "gzip": ({"compression": "gzip", "shuffle": True}, "f2", {}),
             "fletcher": ({"fletcher32": True}, "f4", {}), "lzf": ({"compression": "lzf"}, "f4", {}),
             "latest": ({"compression": "gzip"}, "f8", {"libver": "latest"}), "plain-latest": ({}, "f4", {"libver": "latest"})}
    for name, (storage, element, how) in dumps.items():
        write_dump(folder / ("scores-%s.h5" % name), "scores", storage, numbers, element, **how)
        write_dump(folder / ("qk-%s.h5" % name), "qk", storage, numbers, element, **how)
    good = str(folder / "scores-contiguous.h5")
    run = lambda *words: subprocess.run(words, check=True, cwd=folder, capture_output=True)
    run(calibrate, "fit", good, "-k", "4,8", "--curve", "-o", "table.h5")
    for name in ("table.json", "table.csv", "table.th.txt"):
        run(calibrate, "convert", "table.h5", "-o", name, *(["-k", "4"] if name.endswith("txt") else []))
    run(calibrate, "fit", good, "-k", "4", "--shard", "1/1", "-o", "part.h5")
    write_model(folder / "model", numbers)
    shard_model(folder / "sharded", numbers)
    for kind in GGUF_TYPES:
        tokenizer = byte_level_fields() if kind in ("f32", "q4_0") else sentencepiece_fields()
        (folder / ("model-%s.gguf" % kind)).write_bytes(gguf(numbers, kind, tokenizer))
    (folder / "tokenizer.model").write_bytes(sentencepiece_model())
    (folder / "text.txt").write_text("The cat sat on the mat, and the dog sat on the cat.\n")
    (folder / "fit.toml").write_text(TOML)
    (folder / "quiz.toml").write_text(TASK_FILE)
    (folder / "quiz.jsonl").write_text('{"question": "Is it?", "options": ["yes", "no"], "gold": 1}\n' * 2)
    (folder / "sweep.toml").write_text(SWEEP.format(model=folder / "model", text=folder / "text.txt"))
    np.save(folder / "ids.npy", np.arange(3, 12, dtype="<i4"))
    (folder / "ids.json").write_text(json.dumps({"ids": list(range(3, 12))}))
    (folder / "ids.jsonl").write_text("[3, 4, 5]\n[6, 7]\n")
    run(evaluate, "run", "--model", "model", "--task", "text.txt", "--attention", "dense", "topk:k=4", "-o", "result.json")
    for name, examples in TASKS.items():
        (folder / name).write_text("".join(json.dumps(example) + "\n" for example in examples))
    in_model = lambda *names: ["model/" + name for name in names]
    return {"dump": sorted(path.name for path in folder.glob("*-*.h5")), "table": ["table.h5"],
            "table-text": ["table.json", "table.csv", "table.th.txt"], "part": ["part.h5"], "toml": ["fit.toml"],
            "task": sorted(TASKS), "config": in_model("config.json", "generation_config.json"),
            "tokenizer": in_model("tokenizer.json", "tokenizer_config.json"),
            "weights": in_model("model.safetensors") + ["sharded/model.safetensors.index.json"],
            "gguf": sorted(path.name for path in folder.glob("*.gguf")), "sentencepiece": ["tokenizer.model"],
            "sweep": ["sweep.toml"], "task-file": ["quiz.toml"], "ids": ["ids.json", "ids.jsonl", "ids.npy"],
            "result": ["result.json"]}
