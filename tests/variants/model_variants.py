"""Models in Hugging Face's form: fields, tensors and tokenizers that contradict, are spelled otherwise, or are of other models."""
import json
import shutil
import struct

import numpy as np

import fuzz_inputs

LAYER = "model.layers.0."
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12345\n"


def config(**fields):
    """config.json with these fields; ... takes one out."""
    def change(folder):
        values = json.loads((folder / "config.json").read_text())
        values.update(fields)
        (folder / "config.json").write_text(json.dumps({key: value for key, value in values.items() if value is not ...}))
    return change


def config_text(old, new):
    def change(folder):
        text = (folder / "config.json").read_text()
        assert old in text, old
        (folder / "config.json").write_text(text.replace(old, new))
    return change


def read_weights(folder):
    data = (folder / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + size]), data[8 + size:]


def tensors(change_them):
    def change(folder):
        header, data = read_weights(folder)
        values = {name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"]).copy()
                  for name, entry in header.items()}
        (folder / "model.safetensors").write_bytes(fuzz_inputs.safetensors(change_them(values) or values))
    return change


def added(name, shape, value=1.0):
    return tensors(lambda values: values.update({name: np.full(shape, value, "f4")}))


def weight(name, where, value):
    return tensors(lambda values: values[name].__setitem__(where, value))


def renamed(rename):
    return tensors(lambda values: {rename(name): value for name, value in values.items()})


def header(change_it):
    def change(folder):
        entries, data = read_weights(folder)
        text = json.dumps(change_it(entries) or entries).encode()
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    return change


def field_of_up(name, value):
    return header(lambda entries: entries[LAYER + "mlp.up_proj.weight"].__setitem__(name, value))


def tokenizer(*path, value):
    """tokenizer.json with this value at this path; ... takes it out."""
    def change(folder):
        document = json.loads((folder / "tokenizer.json").read_text())
        holder = document
        for key in path[:-1]:
            holder = holder[key]
        if value is ...:
            del holder[path[-1]]
        elif isinstance(holder, list) and path[-1] == "+":
            holder.append(value)
        else:
            holder[path[-1]] = value
        (folder / "tokenizer.json").write_text(json.dumps(document))
    return change


def file(name, content):
    return lambda folder: (folder / name).write_text(content)


def rope(**section):
    return config(rope_scaling=section)


SPLIT = {"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": False}
CASES = {
    "plain": ("used", config()), "rope-linear": ("used", rope(type="linear", factor=4)), "rope-no-type": ("refused", rope(factor=4.0)),
    "rope-null-type": ("refused", rope(rope_type=None, factor=4.0)), "rope-two-types": ("refused", rope(type="linear", rope_type="dynamic", factor=4.0)),
    "rope-default-with-factor": ("named", rope(rope_type="default", factor=4.0)), "rope-unknown-key": ("named", rope(type="linear", factor=4.0, twist=1)),
    "rope-two-originals": ("refused", config(original_max_position_embeddings=32, rope_scaling={
        "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16})),
    "rope-dynamic-original": ("named", rope(rope_type="dynamic", factor=4.0, original_max_position_embeddings=16)),
    "rope-dynamic": ("used", rope(rope_type="dynamic", factor=4.0)),
    "rope-dynamic-two-contexts": ("named", rope(rope_type="dynamic", factor=4.0, original_max_position_embeddings=8)),
    "rope-text": ("refused", config(rope_scaling="linear")), "rope-list": ("refused", config(rope_scaling=[4.0])),
    "rope-parameters": ("used", config(rope_parameters={"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0})),
    "rope-two-bases": ("refused", config(rope_parameters={"rope_type": "default", "rope_theta": 500.0})),
    "rope-two-sections": ("refused", config(rope_scaling={"type": "linear", "factor": 4.0}, rope_parameters={"rope_type": "linear", "factor": 2.0})),
    "rope-theta-text": ("refused", config(rope_theta="10000")), "rope-theta-spelling": ("named", config(ropeTheta=500.0)),
    "rope-theta-old-name": ("named", config(rotary_emb_base=500.0)), "rotary-pct": ("named", config(rotary_pct=0.5)),
    "soft-cap": ("named", config(attn_logit_softcapping=5.0)), "logit-scale": ("named", config(logit_scale=0.5)),
    "clip-qkv": ("named", config(clip_qkv=1.0)), "alibi": ("named", config(alibi=True)), "experts": ("named", config(num_local_experts=4)),
    "text-config": ("named", config(text_config={"hidden_size": 16})), "encoder-decoder": ("named", config(is_encoder_decoder=True)),
    "quantised": ("refused", config(quantization_config={"quant_method": "gptq"})), "not-quantised": ("used", config(quantization_config=None)),
    "two-activations": ("named", config(hidden_activation="gelu")), "two-epsilons": ("named", config(layer_norm_eps=0.01)),
    "epsilon-negative": ("refused", config(rms_norm_eps=-1.0)), "epsilon-nan": ("refused", config_text("1e-05", "NaN")),
    "tied-with-a-head": ("refused", config(tie_word_embeddings=True)), "no-layers": ("refused", config(num_hidden_layers=0)),
    "more-layers": ("refused", config(num_hidden_layers=2)), "small-vocabulary": ("refused", config(vocab_size=260)),
    "large-vocabulary": ("refused", config(vocab_size=264)), "heads-text": ("refused", config(num_attention_heads="4")),
    "heads-float": ("refused", config(num_attention_heads=4.0)), "kv-heads-missing": ("refused", config(num_key_value_heads=...)),
    "head-dim-null": ("used", config(head_dim=None)), "head-dim-other": ("refused", config(head_dim=8)),
    "context-negative": ("refused", config(max_position_embeddings=-1)), "context-huge": ("refused", config(max_position_embeddings=10 ** 12)),
    "architecture-unknown": ("refused", config(architectures=["FooForCausalLM"])), "architecture-contradicted": ("refused", config(model_type="gemma")),
    "attention-bias": ("refused", config(attention_bias=True)), "mlp-bias": ("refused", config(mlp_bias=True)),
    "eos-list": ("used", config(eos_token_id=[261, 3])), "eos-text": ("refused", config(eos_token_id="261")), "bos-negative": ("refused", config(bos_token_id=-1)),
    "training-fields": ("used", config(attention_dropout=0.5, use_cache=False, torch_dtype="float16", pretraining_tp=2)),
    "key-twice": ("refused", config_text('"hidden_size"', '"rope_theta": 500.0, "hidden_size"')), "comment": ("refused", config_text("{", "{ // x\n")),
    "pointer-config": ("refused", file("config.json", POINTER)), "pointer-tokenizer": ("refused", file("tokenizer.json", POINTER)),
    "pointer-weights": ("refused", file("model.safetensors", POINTER)), "web-page": ("refused", file("model.safetensors", "<!DOCTYPE html><html></html>")),
    "other-weights-too": ("used", file("pytorch_model.bin", "x")), "adapter": ("named", file("adapter_config.json", '{"peft_type": "LORA"}')),
    "adapter-alone": ("named", file("adapter_model.safetensors", "x")), "zero-byte-in-config": ("refused", file("config.json", '{}\0{"a": 1}')),
    "end-beyond": ("refused", file("generation_config.json", '{"eos_token_id": 999}')),
    "tokenizer-of-another-version": ("refused", tokenizer("version", value="2.0")),
    "replace-nothing": ("refused", tokenizer("normalizer", value={"type": "Replace", "pattern": {"String": ""}, "content": "x"})),
    "layer-beyond": ("refused", added("model.layers.1.input_layernorm.weight", 16)), "bias": ("refused", added(LAYER + "self_attn.q_proj.bias", 16)),
    "query-norm": ("refused", added(LAYER + "self_attn.q_norm.weight", 4)), "adapter-tensor": ("refused", added(LAYER + "self_attn.q_proj.lora_A.weight", (2, 16))),
    "fused-qkv": ("refused", added(LAYER + "self_attn.qkv_proj.weight", (32, 16))), "old-frequencies": ("used", added(LAYER + "self_attn.rotary_emb.inv_freq", 2)),
    "other-tensor": ("named", added("vision.patch.weight", 3)), "prefix": ("refused", renamed(lambda name: "transformer." + name)),
    "no-prefix": ("used", renamed(lambda name: name.replace("model.", ""))), "nan": ("refused", weight(LAYER + "mlp.up_proj.weight", (3, 2), np.nan)),
    "infinite": ("refused", weight("model.norm.weight", 3, np.inf)), "nan-in-an-unused-row": ("refused", weight("model.embed_tokens.weight", (250, 2), np.nan)),
    "transposed": ("refused", tensors(lambda values: values.update({LAYER + "mlp.up_proj.weight": values[LAYER + "mlp.up_proj.weight"].T.copy()}))),
    "float8": ("refused", field_of_up("dtype", "F8_E4M3")), "int32": ("refused", field_of_up("dtype", "I32")), "dtype-lower-case": ("refused", field_of_up("dtype", "f32")),
    "tensor-field": ("refused", field_of_up("scale", 2.0)), "overlap": ("refused", header(lambda entries: entries[LAYER + "mlp.up_proj.weight"].__setitem__(
        "data_offsets", entries[LAYER + "mlp.gate_proj.weight"]["data_offsets"]))),
    "metadata": ("used", header(lambda entries: {"__metadata__": {"format": "pt"}, **entries})),
    "metadata-nested": ("refused", header(lambda entries: {"__metadata__": {"a": {"b": 1}}, **entries})),
    "normalizer-unknown": ("refused", tokenizer("normalizer", value={"type": "Foo"})), "lower-case": ("used", tokenizer("normalizer", value={"type": "Lowercase"})),
    "random-merges": ("refused", tokenizer("model", "dropout", value=0.1)), "unknown-token": ("refused", tokenizer("model", "unk_token", value="<unk>")),
    "suffix": ("refused", tokenizer("model", "end_of_word_suffix", value="</w>")), "truncation": ("named", tokenizer("truncation", value={"max_length": 8})),
    "padding": ("named", tokenizer("padding", value={"strategy": {"Fixed": 64}})), "model-field": ("named", tokenizer("model", "scores", value=[1])),
    "empty-split": ("used", tokenizer("pre_tokenizer", value={"type": "Sequence", "pretokenizers": [SPLIT, {"type": "ByteLevel", "add_prefix_space": False}]})),
    "word-piece": ("refused", tokenizer("model", "type", value="WordPiece")), "unknown-merge": ("refused", tokenizer("model", "merges", "+", value="q zz")),
    "token-beyond": ("refused", tokenizer("added_tokens", "+", value={"id": 262, "content": "cat", "special": False})),
    "id-twice": ("refused", tokenizer("model", "vocab", "zz", value=5)), "adds-no-bos": ("named", file("tokenizer_config.json", '{"add_bos_token": false}')),
    "adds-eos": ("named", file("tokenizer_config.json", '{"add_eos_token": true}')), "adds-blank": ("named", file("tokenizer_config.json", '{"add_prefix_space": true}')),
    "another-token": ("named", file("tokenizer_config.json", '{"added_tokens_decoder": {"97": {"content": "zzz"}}}')),
}


def variants(folder, _):
    fuzz_inputs.write_model(folder / "good", np.random.default_rng(7))

    def maker(change):
        def make():
            shutil.rmtree(folder / "model", ignore_errors=True)
            shutil.copytree(folder / "good", folder / "model")
            change(folder / "model")
            return "model"
        return make
    return {name: (expected, maker(change)) for name, (expected, change) in CASES.items()}
