#!/usr/bin/env python3
"""Logits of tt-eval beside llama.cpp's, over copies of small GGUF models with one thing changed: a key, or a tensor.

    pip install llama-cpp-py-sync gguf numpy
    tools/llama_cpp/check_keys.py MODEL.gguf ... [--tt-eval build/release/apps/tt_eval/tt-eval]

The models are unquantised ones of a few thousand weights and 64 positions or more; which changes a model gets depends on its architecture
(CHANGES). llama.cpp caches in float32 and without flash attention; it looks GELU up in a table of half floats, so architectures with it
may differ by 1e-2, the others by 1e-4. A line says "same", "DIFFERENT", or which of the two programs refuses the file and, of tt-eval, why.
Some differences are meant: docs/gguf.md lists where the file is followed and llama.cpp passes over the key.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import gguf
import numpy as np
from gguf import GGUFValueType as Kind
from llama_cpp_py_sync._cffi_bindings import get_ffi, get_lib

TOKENS = 57
WITH_GELU = ("gemma", "gemma2", "gemma3", "phi2", "gpt2", "gptneox")


def number(value):
    return Kind.FLOAT32, None, value


def whole(value):
    return Kind.UINT32, None, value


def text(value):
    return Kind.STRING, None, value


def flags(*values):
    return Kind.ARRAY, Kind.BOOL, list(values)


def scaled(kind, **more):
    return {"rope.scaling.type": text(kind), "rope.scaling.factor": number(4.0), **{f"rope.scaling.{key}": value for key, value in more.items()}}


ORIGINAL = dict(original_context_length=whole(32))
SCALINGS = {
    "linear": scaled("linear"), "factor alone": {"rope.scaling.factor": number(4.0)}, "no scaling": scaled("none"),
    "yarn": scaled("yarn", **ORIGINAL), "yarn over the whole context": scaled("yarn"), "yarn, attn_factor": scaled("yarn", attn_factor=number(1.2), **ORIGINAL),
    "yarn, yarn_attn_factor": scaled("yarn", yarn_attn_factor=number(1.2), **ORIGINAL),
    "yarn, usual yarn_attn_factor": scaled("yarn", yarn_attn_factor=number(1.1386294), **ORIGINAL),
    "yarn, betas": scaled("yarn", yarn_beta_fast=number(8.0), yarn_beta_slow=number(2.0), **ORIGINAL),
    "yarn, ext_factor": scaled("yarn", yarn_ext_factor=number(0.5), **ORIGINAL), "longrope, no tensors": scaled("longrope"),
    "rope.freq_base": {"rope.freq_base": number(500.0)}, "no rope.freq_base": {"rope.freq_base": None},
}
EXPERTS = {
    "one expert": {"expert_used_count": whole(1)}, "not normalised": {"expert_weights_norm": (Kind.BOOL, None, False)},
    "weights scaled": {"expert_weights_scale": number(2.0)}, "groups": {"expert_group_count": whole(2), "expert_group_used_count": whole(1)},
}
CHANGES = {
    "llama": {**SCALINGS, "window": {"attention.sliding_window": whole(7)}, "scale": {"attention.scale": number(0.1)},
              "rope_freqs": {"rope_freqs.weight": "pairs"}, "rope_freqs, linear": {**scaled("linear"), "rope_freqs.weight": "pairs"},
              "longrope": {**scaled("longrope", **ORIGINAL), "rope_factors_long.weight": "pairs", "rope_factors_short.weight": "pairs"}},
    "qwen2": SCALINGS, "qwen3": SCALINGS, "qwen3moe": SCALINGS, "gpt2": {}, "phi2": {"linear": scaled("linear")},
    "olmo2": {**SCALINGS, "window": {"attention.sliding_window": whole(7)}, "window, yarn": {**SCALINGS["yarn"], "attention.sliding_window": whole(7)}},
    "gemma": {"linear": scaled("linear")}, "gptneox": {"linear": scaled("linear")}, "phi3": {"window": {"attention.sliding_window": whole(7)}},
    "gemma2": {"no caps": {"attn_logit_softcapping": None, "final_logit_softcapping": None}, "no window": {"attention.sliding_window": None},
               "scale": {"attention.scale": number(0.1)}},
    "gemma3": {"no local base": {"rope.freq_base_swa": None}, "no window": {"attention.sliding_window": None}, "period of 3": {
        "attention.sliding_window_pattern": whole(3)}, "linear": scaled("linear"), "final cap": {"final_logit_softcapping": number(3.0)},
        "cap": {"attn_logit_softcapping": number(2.0)}},
}


def read(path):
    reader = gguf.GGUFReader(path)
    keys = {name: (field.types[0], field.types[-1] if field.types[0] == Kind.ARRAY else None, field.contents())
            for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    return keys, {tensor.name: (np.array(tensor.data), tensor.tensor_type) for tensor in reader.tensors}


def changed(keys, tensors, change):
    """The change's keys and tensors in place of the model's; None takes a key out, "pairs" is a factor for each rotated pair."""
    architecture = keys["general.architecture"][2]
    keys, tensors = dict(keys), dict(tensors)
    head = keys.get(f"{architecture}.attention.key_length", (0, 0, keys[f"{architecture}.embedding_length"][2] //
                                                             keys[f"{architecture}.attention.head_count"][2]))[2]
    for name, value in change.items():
        if value == "pairs":
            factors = np.random.default_rng(len(name)).uniform(1, 4, head // 2).astype(np.float32)
            tensors[name] = (factors, gguf.GGMLQuantizationType.F32)
        elif value is None:
            keys.pop(f"{architecture}.{name}", None)
        else:
            keys[f"{architecture}.{name}"] = value
    return keys, tensors


def write(path, keys, tensors):
    writer = gguf.GGUFWriter(path, keys["general.architecture"][2])
    for name, (kind, inner, value) in keys.items():
        if name != "general.architecture":
            writer.add_key_value(name, value, kind, inner)
    for name, (data, kind) in tensors.items():
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def theirs(path, ids):
    """llama.cpp's logits, or None where it does not load the file."""
    lib, ffi = get_lib(), get_ffi()
    model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
    if model == ffi.NULL:
        return None
    params = lib.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = len(ids)
    params.n_threads = params.n_threads_batch = 1
    params.type_k = params.type_v = params.flash_attn_type = 0
    context = lib.llama_init_from_model(model, params)
    batch = lib.llama_batch_init(len(ids), 0, 1)
    batch.n_tokens = len(ids)
    for i, token in enumerate(ids):
        batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = int(token), i, 1, 1
        batch.seq_id[i][0] = 0
    if lib.llama_decode(context, batch) != 0:
        raise RuntimeError("llama_decode failed")
    size = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
    logits = np.frombuffer(bytes(ffi.buffer(lib.llama_get_logits(context), len(ids) * size * 4)), np.float32).reshape(-1, size)
    lib.llama_batch_free(batch)
    lib.llama_free(context)
    lib.llama_model_free(model)
    return logits


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("models", nargs="+", type=pathlib.Path)
    arguments.add_argument("--tt-eval", default="build/release/apps/tt_eval/tt-eval")
    given = arguments.parse_args()
    get_lib().llama_backend_init()
    different = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for model in given.models:
            keys, tensors = read(model)
            architecture = keys["general.architecture"][2]
            ids = np.random.default_rng(9).integers(0, tensors["token_embd.weight"][0].shape[0], TOKENS)
            np.save(folder / "ids.npy", ids)
            of_experts = EXPERTS if f"{architecture}.expert_count" in keys else {}
            for name, change in {"as it is": {}, **CHANGES.get(architecture, {}), **of_experts}.items():
                write(folder / "m.gguf", *changed(keys, tensors, change))
                reference = theirs(folder / "m.gguf", ids)
                done = subprocess.run([given.tt_eval, "logits", "--model", folder / "m.gguf", "--ids", folder / "ids.npy", "-o", folder / "out.npy",
                                       "--threads", "1"], capture_output=True, text=True, check=False)
                label, said = f"{model} ({architecture}), {name}", " ".join(done.stderr.split())
                if done.returncode != 0 or reference is None:
                    print(f"tt-eval {'refuses' if done.returncode else 'takes'}, llama.cpp {'refuses' if reference is None else 'takes'}: {label}: {said}")
                    continue
                largest = float(np.abs(np.load(folder / "out.npy") - reference).max())
                same = largest <= (1e-2 if architecture in WITH_GELU else 1e-4)
                different += not same
                print(f"{'same' if same else 'DIFFERENT':9} {largest:9.2e} {label}{': ' + said if said else ''}")
    print(f"{different} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
