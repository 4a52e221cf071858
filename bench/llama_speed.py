#!/usr/bin/env python3
"""tt-eval beside llama.cpp on the same shape, in turns: prefill and decode, tokens/s.

usage: llama_speed.py TT_EVAL LLAMA_BENCH [--shape d=768,layers=12,heads=12,ffn=2048,vocab=32000] [--prefill N,...]
                      [--decode-at N,...] [--kept FRACTION] [--threads N] [--repetitions N] [--directory DIR] [--json FILE]

Both take random weights in float32. llama.cpp caches keys and values as f16, its default, with and without flash
attention, and as f32 where its llama-bench knows -ctk f32 (scripts/bench-llama teaches it); of each length its fastest
counts. tt-eval runs dense attention from a cache of f32 and of f16, and top-theta at --kept of the elements. Medians;
programs alternate, so that a slow minute of the machine meets all of them.
"""
import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess

import numpy as np

ALIGNMENT = 32  # bytes, GGUF's default
SHAPE_KEYS = {"d", "layers", "heads", "kv-heads", "ffn", "vocab"}


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def field(key, value):
    """GGUF's typed key and value: 4 uint32, 6 float32, 8 string."""
    kind, data = (8, text(value)) if isinstance(value, str) else \
        (6, struct.pack("<f", value)) if isinstance(value, float) else (4, struct.pack("<I", value))
    return text(key) + struct.pack("<I", kind) + data


def tensors_of(shape):
    """Names and row-major shapes, as llama.cpp calls them."""
    d, ffn, vocab = shape["d"], shape["ffn"], shape["vocab"]
    kv = d // shape["heads"] * shape["kv-heads"]
    yield "token_embd.weight", (vocab, d)
    yield "output_norm.weight", (d,)
    yield "output.weight", (vocab, d)
    for layer in range(shape["layers"]):
        for name, size in [("attn_norm", (d,)), ("ffn_norm", (d,)), ("attn_q", (d, d)), ("attn_k", (kv, d)),
                           ("attn_v", (kv, d)), ("attn_output", (d, d)), ("ffn_gate", (ffn, d)), ("ffn_up", (ffn, d)),
                           ("ffn_down", (d, ffn))]:
            yield f"blk.{layer}.{name}.weight", size


def write_gguf(path, shape, context):
    """A LLaMA of random weights, without a tokenizer: llama-bench draws tokens itself."""
    fields = [field("general.architecture", "llama"), field("general.name", "random"),
              field("llama.context_length", context), field("llama.embedding_length", shape["d"]),
              field("llama.block_count", shape["layers"]), field("llama.feed_forward_length", shape["ffn"]),
              field("llama.attention.head_count", shape["heads"]),
              field("llama.attention.head_count_kv", shape["kv-heads"]),
              field("llama.attention.layer_norm_rms_epsilon", 1e-5),
              field("llama.rope.dimension_count", shape["d"] // shape["heads"]),
              field("llama.vocab_size", shape["vocab"]), field("general.file_type", 0),
              field("tokenizer.ggml.model", "no_vocab")]
    tensors = list(tensors_of(shape))
    header, offset = [b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields))] + fields, 0
    for name, size in tensors:
        header.append(text(name) + struct.pack(f"<I{len(size)}Q", len(size), *reversed(size)) + struct.pack("<IQ", 0, offset))
        offset += -(-int(np.prod(size)) * 4 // ALIGNMENT) * ALIGNMENT
    rng = np.random.default_rng(1)
    with open(path, "wb") as file:
        file.write(b"".join(header))
        for _, size in tensors:
            file.write(bytes(-file.tell() % ALIGNMENT))
            values = np.ones(size, "<f4") if len(size) == 1 else rng.standard_normal(size, np.float32) * np.float32(0.02)
            values.tofile(file)


def run(command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {result.returncode}:\n{result.stderr[-2000:]}")
    return json.loads(result.stdout)


def llama_rates(args, model, cache, flash):
    common = [args.llama_bench, "-m", model, "-t", args.threads, "-r", 1, "-ctk", cache, "-ctv", cache, "-fa", flash, "-o", "json"]
    rates = {}
    for row in run([str(a) for a in common + ["-p", ",".join(map(str, args.prefill)), "-n", 0]]):
        rates["prefill", row["n_prompt"]] = row["avg_ts"]
    for row in run([str(a) for a in common + ["-p", 0, "-n", 32, "-d", ",".join(map(str, args.decode_at))]]):
        rates["decode", row["n_depth"]] = row["avg_ts"]
    return rates


def our_rates(args, policy, cache):
    command = [args.tt_eval, "bench", "--shape", args.shape_text, "--prefill", ",".join(map(str, args.prefill)), "--decode-at",
               ",".join(map(str, args.decode_at)), "--decode-steps", 32, "--repetitions", 1, "--kv", cache, "--format", "json",
               "--threads", args.threads, "--attention", policy]
    if policy != "dense":
        command += ["--kept", args.kept]
    return {(row["phase"], row["length"]): row["tokens_per_second"] for row in run([str(a) for a in command])["rows"]}


def knows_f32_cache(llama_bench):
    probe = subprocess.run([llama_bench, "-ctk", "f32", "-m", "/dev/null"], capture_output=True, text=True)
    return "invalid parameter for argument: -ctk" not in probe.stdout + probe.stderr


def numbers(value):
    return [int(n) for n in value.split(",")]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tt_eval")
    parser.add_argument("llama_bench")
    parser.add_argument("--shape", dest="shape_text", default="d=768,layers=12,heads=12,ffn=2048,vocab=32000")
    parser.add_argument("--prefill", type=numbers, default=[512, 8192])
    parser.add_argument("--decode-at", type=numbers, default=[64, 4096])
    parser.add_argument("--kept", type=float, default=0.05)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--directory", type=pathlib.Path, default=pathlib.Path("results/bench"))
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    try:
        args.shape = {key: int(value) for key, value in (part.split("=") for part in args.shape_text.split(","))}
        args.shape.setdefault("kv-heads", args.shape.get("heads"))
        if unknown := args.shape.keys() - SHAPE_KEYS:
            raise ValueError(f"not known here: {', '.join(sorted(unknown))}")
        if missing := SHAPE_KEYS - args.shape.keys():
            raise ValueError(f"missing: {', '.join(sorted(missing))}")
    except ValueError as problem:
        parser.error(f"--shape {args.shape_text}: expected d=768,layers=12,heads=12,ffn=2048,vocab=32000 ({problem})")
    for program in (args.tt_eval, args.llama_bench):
        if not os.access(program, os.X_OK):
            parser.error(f"{program}: not a program that can be run")
    return args


def main():
    args = parse()
    args.directory.mkdir(parents=True, exist_ok=True)
    model = args.directory / "random.gguf"
    write_gguf(model, args.shape, max(args.prefill + [n + 64 for n in args.decode_at]))
    caches = ["f16", "f32"] if knows_f32_cache(args.llama_bench) else ["f16"]
    theta = "theta:prefilter=auto"
    programs = {f"llama.cpp, {cache} cache, flash {flash}": lambda c=cache, f=flash: llama_rates(args, model, c, f)
                for cache in caches for flash in ("on", "off")}
    programs |= {f"dense, {cache} cache": lambda c=cache: our_rates(args, "dense", c) for cache in ("f32", "f16")}
    programs[f"top-theta at {args.kept:g}, f32 cache"] = lambda: our_rates(args, theta, "f32")
    rates = {name: {} for name in programs}
    try:
        for _ in range(args.repetitions):
            for name, measure in programs.items():
                for case, rate in measure().items():
                    rates[name].setdefault(case, []).append(rate)
    finally:
        model.unlink()  # half a gigabyte
    medians = {name: {case: statistics.median(r) for case, r in cases.items()} for name, cases in rates.items()}
    cases = [("prefill", n) for n in args.prefill] + [("decode", n) for n in args.decode_at]
    best = {case: max(m[case] for name, m in medians.items() if name.startswith("llama")) for case in cases}
    print(f"tokens/s, medians of {args.repetitions}, {args.threads} threads; in brackets: over llama.cpp's fastest\n")
    print("| | " + " | ".join(f"{phase} {'at ' if phase == 'decode' else ''}{n}" for phase, n in cases) + " |")
    print("|---|" + "---|" * len(cases))
    for name, m in medians.items():
        print(f"| {name} | " + " | ".join(f"{m[case]:.4g} ({m[case] / best[case]:.2f})" for case in cases) + " |")
    if args.json:
        args.json.write_text(json.dumps([{"program": name, "phase": phase, "length": n, "tokens_per_second": rates[name][phase, n]}
                                         for name in medians for phase, n in cases], indent=1) + "\n")


if __name__ == "__main__":
    main()
