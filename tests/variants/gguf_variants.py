"""GGUF models: keys missing, doubled, of other kinds, of other models; tensors damaged in every type; directories that lie."""
import struct

import numpy as np

import fuzz_inputs

BLOCK = "blk.0."
HIDDEN, FFN = 16, 32


class Wide(int):
    """u64"""


class Signed(int):
    """i32"""


class Double(float):
    """f64"""


def value_of(value):
    kinds = {Wide: (10, "<Q"), Signed: (5, "<i"), Double: (12, "<d")}
    if type(value) in kinds:
        number, form = kinds[type(value)]
        return number, struct.pack(form, value)
    return fuzz_inputs.gguf_value(value)


def model(kind="f32"):
    """Fields, and tensors with their type, shape and data."""
    numbers = np.random.default_rng(7)
    number, block, _ = fuzz_inputs.GGUF_TYPES[kind]
    hidden = max(HIDDEN, block)
    tokenizer = fuzz_inputs.byte_level_fields()
    vocab = len(tokenizer["tokenizer.ggml.tokens"])
    fields = {"general.architecture": "llama", "general.name": "tiny", "llama.block_count": 1, "llama.context_length": 64,
              "llama.embedding_length": hidden, "llama.feed_forward_length": 2 * hidden, "llama.attention.head_count": 4,
              "llama.attention.head_count_kv": 2, "llama.attention.layer_norm_rms_epsilon": 1e-5,
              "llama.rope.dimension_count": hidden // 4, "llama.rope.freq_base": 10000.0, "llama.vocab_size": vocab, **tokenizer}
    shapes = {"token_embd.weight": (hidden, vocab), "output_norm.weight": (hidden,), "output.weight": (hidden, vocab),
              BLOCK + "attn_norm.weight": (hidden,), BLOCK + "ffn_norm.weight": (hidden,), BLOCK + "attn_q.weight": (hidden, hidden),
              BLOCK + "attn_k.weight": (hidden, hidden // 2), BLOCK + "attn_v.weight": (hidden, hidden // 2),
              BLOCK + "attn_output.weight": (hidden, hidden), BLOCK + "ffn_gate.weight": (hidden, 2 * hidden),
              BLOCK + "ffn_up.weight": (hidden, 2 * hidden), BLOCK + "ffn_down.weight": (2 * hidden, hidden)}
    tensors = {}
    for name, shape in shapes.items():
        own = kind if len(shape) > 1 else "f32"
        tensors[name] = (fuzz_inputs.GGUF_TYPES[own][0], shape, fuzz_inputs.gguf_data(numbers, own, shape))
    return fields, tensors


def written(fields, tensors, version=3, align=32, magic=b"GGUF", offset=lambda index, at: at, tail=b""):
    text = lambda string: fuzz_inputs.gguf_value(string)[1]
    out, data = struct.pack("<4sIQQ", magic, version, len(tensors), len(fields)), b""
    for name, value in fields:
        number, raw = value_of(value)
        out += text(name) + struct.pack("<I", number) + raw
    for index, (name, (number, shape, raw)) in enumerate(tensors):
        out += text(name) + struct.pack("<I%dQ" % len(shape), len(shape), *shape) + struct.pack("<IQ", number, offset(index, len(data)))
        data += raw + b"\0" * (-len(raw) % align)
    return out + b"\0" * (-len(out) % align) + data + tail


def key(name, value):
    """The model with this key; ... takes it out."""
    def make():
        fields, tensors = model()
        fields[name] = value
        return written([(one, what) for one, what in fields.items() if what is not ...], tensors.items())
    return make


def llama(name, value):
    return key("llama." + name, value)


def token(name, value):
    return key("tokenizer.ggml." + name, value)


def tensor(name, value, **how):
    """The model with this tensor; None takes it out."""
    def make():
        fields, tensors = model()
        tensors[name] = value
        return written(fields.items(), [(one, what) for one, what in tensors.items() if what is not None], **how)
    return make


def floats(*shape, value=1.0):
    return 0, shape, np.full(shape, value, "<f4").tobytes()


def up_as(number, shape=(HIDDEN, FFN)):
    return tensor(BLOCK + "ffn_up.weight", (number, shape, model()[1][BLOCK + "ffn_up.weight"][2]))


def damaged(kind, at, raw, name=BLOCK + "ffn_up.weight"):
    """These bytes in the data of a tensor of this type."""
    def make():
        fields, tensors = model(kind)
        number, shape, data = tensors[name]
        tensors[name] = number, shape, data[:at] + raw + data[at + len(raw):]
        return written(fields.items(), tensors.items())
    return make


def yarn(**settings):
    scaling = {"type": "yarn", "factor": 4.0, "original_context_length": 16, **settings}
    return whole(more_fields=[("llama.rope.scaling." + name, value) for name, value in scaling.items()])


def whole(change=lambda data: data, more_fields=(), more_tensors=(), **how):
    def make():
        fields, tensors = model()
        return change(written([*fields.items(), *more_fields], [*tensors.items(), *more_tensors], **how))
    return make


NAN16, INF16 = b"\x00\x7e", b"\x00\x7c"
FIFTH = lambda where: lambda index, at: where(at) if index == 4 else at
CASES = {
    "plain": ("used", whole()), "version-2": ("used", whole(version=2)), "version-1": ("refused", whole(version=1)), "version-4": ("refused", whole(version=4)),
    "big-endian": ("refused", whole(lambda data: data[:4] + data[4:8][::-1] + data[8:])), "other-magic": ("refused", whole(magic=b"ggjt")),
    "cut": ("refused", whole(lambda data: data[:-40])), "more-behind": ("used", whole(tail=b"x" * 100)),
    "alignment-64": ("used", whole(more_fields=[("general.alignment", 64)], align=64)), "alignment-0": ("refused", key("general.alignment", 0)),
    "alignment-3": ("refused", key("general.alignment", 3)), "alignment-untrue": ("refused", key("general.alignment", 64)),
    "key-twice": ("refused", whole(more_fields=[("llama.rope.freq_base", 500.0)])), "tensor-twice": ("refused", whole(more_tensors=[("output_norm.weight", floats(16))])),
    "overlap": ("refused", whole(offset=FIFTH(lambda at: 0))), "not-aligned": ("refused", whole(offset=FIFTH(lambda at: at + 4))),
    "offset-huge": ("refused", whole(offset=FIFTH(lambda at: 2 ** 63))), "one-of-two-files": ("refused", key("split.count", 2)), "one-of-one": ("used", key("split.count", 1)),
    "split-number": ("refused", key("split.no", 1)), "not-a-model": ("refused", key("general.type", "adapter")),
    "types-unknown": ("refused", token("token_type", [9] * 258)), "norm-bias": ("refused", tensor(BLOCK + "attn_norm.bias", floats(16))),
    "last-norm-bias": ("named", tensor("output_norm.bias", floats(16))), "scaling-without-factor": ("refused", llama("rope.scaling.type", "yarn")),
    "scaling-none-with-factor": ("refused", whole(more_fields=[("llama.rope.scaling.type", "none"), ("llama.rope.scaling.factor", 4.0)])),
    "two-factors": ("refused", whole(more_fields=[("llama.rope.scale_linear", 2.0), ("llama.rope.scaling.factor", 4.0)])),
    "scaling-unknown": ("refused", llama("rope.scaling.type", "foo")), "scaling-linear": ("used", llama("rope.scaling.factor", 4.0)),
    "base-integer": ("used", llama("rope.freq_base", 10000)), "base-double": ("used", llama("rope.freq_base", Double(500))), "base-text": ("refused", llama("rope.freq_base", "10000")),
    "rotated-odd": ("refused", llama("rope.dimension_count", 3)), "rotated-too-many": ("refused", llama("rope.dimension_count", 8)),
    "blocks-wide": ("used", llama("block_count", Wide(1))), "blocks-signed": ("used", llama("block_count", Signed(1))), "blocks-negative": ("refused", llama("block_count", Signed(-1))),
    "blocks-two": ("refused", llama("block_count", 2)), "blocks-none": ("refused", llama("block_count", 0)), "blocks-list": ("refused", llama("block_count", [1])),
    "kv-heads-list": ("used", llama("attention.head_count_kv", [2])), "kv-heads-differ": ("refused", llama("attention.head_count_kv", [2, 1])),
    "kv-heads-missing": ("refused", llama("attention.head_count_kv", ...)), "key-length": ("refused", llama("attention.key_length", 8)),
    "value-length": ("refused", llama("attention.value_length", 8)), "epsilon-missing": ("refused", llama("attention.layer_norm_rms_epsilon", ...)),
    "epsilon-two": ("named", llama("attention.layer_norm_epsilon", 0.01)), "window": ("used", llama("attention.sliding_window", 4)),
    "soft-cap": ("named", llama("attn_logit_softcapping", 5.0)), "final-soft-cap": ("named", llama("final_logit_softcapping", 5.0)),
    "scale": ("used", llama("attention.scale", 0.1)), "logit-scale": ("named", llama("logit_scale", 2.0)), "residual-scale": ("named", llama("residual_scale", 0.5)),
    "not-causal": ("named", llama("attention.causal", False)), "parallel-residual": ("named", llama("use_parallel_residual", True)),
    "alibi": ("named", llama("attention.max_alibi_bias", 8.0)), "clamp": ("named", llama("attention.clamp_kqv", 1.0)), "experts": ("refused", llama("expert_count", 4)),
    "no-experts": ("used", llama("expert_count", 0)), "layout": ("named", llama("tensor_data_layout", "other")), "new-key": ("named", llama("new_thing", 3)),
    "key-of-another": ("named", key("qwen2.rope.freq_base", 5.0)), "general-keys": ("used", key("general.quantization_version", 2)),
    "architecture-unknown": ("refused", key("general.architecture", "foo")), "architecture-missing": ("refused", key("general.architecture", ...)),
    "architecture-other": ("refused", key("general.architecture", "qwen2")), "context-missing": ("refused", llama("context_length", ...)), "context-0": ("refused", llama("context_length", 0)),
    "vocabulary-untrue": ("refused", llama("vocab_size", 999)), "vocabulary-missing": ("used", llama("vocab_size", ...)), "pattern-unknown": ("refused", token("pre", "foo")),
    "pattern-missing": ("named", token("pre", ...)), "tokenizer-unknown": ("refused", token("model", "rwkv")), "merges-missing": ("refused", token("merges", ...)),
    "types-short": ("refused", token("token_type", [1] * 5)), "adds-eos": ("named", token("add_eos_token", True)), "bos-beyond": ("refused", token("bos_token_id", 9999)),
    "eos-beyond": ("refused", token("eos_token_id", 9999)), "tokenizer-key": ("named", token("foo", 1)), "charsmap": ("named", token("precompiled_charsmap", [1, 2])),
    "yarn": ("used", yarn()), "yarn-attention-factor": ("refused", yarn(yarn_attn_factor=1.2)),
    "yarn-attention-factor-usual": ("used", yarn(yarn_attn_factor=1.1386294)),
    "bias": ("used", tensor(BLOCK + "attn_q.bias", floats(16))), "query-norm": ("refused", tensor(BLOCK + "attn_q_norm.weight", floats(4))),
    "frequencies": ("used", tensor("rope_freqs.weight", floats(2, value=4.0))), "frequencies-three": ("refused", tensor("rope_freqs.weight", floats(3))),
    "layer-beyond": ("refused", tensor("blk.1.attn_norm.weight", floats(16))), "adapter-tensor": ("refused", tensor(BLOCK + "attn_q.weight.lora_a", floats(16, 2))),
    "other-tensor": ("named", tensor("foo.weight", floats(16))), "tied": ("used", tensor("output.weight", None)), "head-bias": ("used", tensor("output.bias", floats(258))), "norm-missing": ("refused", tensor("output_norm.weight", None)),
    "norm-behind": ("refused", tensor(BLOCK + "post_attention_norm.weight", floats(16))), "sinks": ("refused", tensor(BLOCK + "attn_sinks.weight", floats(4))),
    "norm-f16": ("used", tensor("output_norm.weight", (1, (16,), np.ones(16, "<f2").tobytes()))), "transposed": ("refused", up_as(0, (FFN, HIDDEN))),
    "three-sides": ("refused", up_as(0, (HIDDEN, FFN, 1))), "five-sides": ("refused", up_as(0, (HIDDEN, FFN, 1, 1, 1))), "type-unknown": ("refused", up_as(99)),
    "integers": ("refused", up_as(26)), "part-of-a-block": ("refused", up_as(8)), "nan-norm": ("refused", damaged("f32", 0, b"\0\0\xc0\x7f", "output_norm.weight")),
    "nan-embedding": ("refused", damaged("q8_0", 34 * 3, NAN16, "token_embd.weight")), "nan-f32": ("refused", damaged("f32", 40, b"\0\0\xc0\x7f")),
    "nan-f16": ("refused", damaged("f16", 40, NAN16)), "nan-q8_0": ("refused", damaged("q8_0", 0, NAN16)), "infinite-q4_0": ("refused", damaged("q4_0", 18, INF16)),
    "nan-q4_k": ("refused", damaged("q4_k", 0, NAN16)), "nan-q4_k-least": ("refused", damaged("q4_k", 2, NAN16)), "nan-q6_k": ("refused", damaged("q6_k", 208, NAN16)),
    "nan-iq4_nl": ("refused", damaged("iq4_nl", 0, NAN16)), "q4_k": ("used", damaged("q4_k", 4, b"\x11")), "q6_k": ("used", damaged("q6_k", 4, b"\x11")),
}


def variants(folder, _):
    def maker(make_bytes):
        def make():
            (folder / "model.gguf").write_bytes(make_bytes())
            return "model.gguf"
        return make
    return {name: (expected, maker(make)) for name, (expected, make) in CASES.items()}
