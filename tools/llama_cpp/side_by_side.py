#!/usr/bin/env python3
"""Runs a GGUF model with llama.cpp and with tt-eval on the same tokens: perplexity as llama-perplexity computes it, and tokens per second.

    CMAKE_ARGS=-DGGML_NATIVE=ON pip install --no-binary llama-cpp-python llama-cpp-python   # builds llama.cpp for this processor
    tools/llama_cpp/side_by_side.py MODEL.gguf TEXT [--tt-eval PROGRAM] [--compute f32 bf16 q8] [--chunk 512] [--windows 8]
        [--speed [--prefill 512 2048] [--decode-at 64] [--attention dense ...] [--thresholds FILE] [--rounds 5]] [--threads 2]

Both use the token ids of tt-eval (llama.cpp's own differ from Hugging Face's for a space before a line break). Windows of CHUNK tokens
are computed one by one, and the second half of each is scored. --speed measures prefills and decoding, one program after the other in
each round, and takes medians over the rounds; tt-eval is measured with `tt-eval bench` on the same text.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import llama_cpp
import numpy

STEPS = 32  # decode steps that are timed, each
SILENT = llama_cpp.llama_log_callback(lambda level, text, data: None)


class LlamaCpp:
    def __init__(self, path, context, threads, kv):
        llama_cpp.llama_log_set(SILENT, None)
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = context
        params.n_threads = params.n_threads_batch = threads
        params.type_k = params.type_v = {"f32": 0, "f16": 1}[kv]
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def decode(self, ids, first, all_logits):
        batch = llama_cpp.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, first + i, 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = all_logits or i + 1 == len(ids)
        begin = time.perf_counter()
        if llama_cpp.llama_decode(self.context, batch) != 0:
            raise RuntimeError("llama_decode failed")
        rows = len(ids) if all_logits else 1
        logits = llama_cpp.llama_get_logits(self.context)  # waits
        seconds = time.perf_counter() - begin
        llama_cpp.llama_batch_free(batch)
        if not all_logits:
            return seconds, None
        return seconds, numpy.ctypeslib.as_array(logits, (rows, self.vocabulary)).copy()

    def logits(self, ids):
        self.clear()
        return self.decode(ids, 0, True)[1]

    def speeds(self, ids, prefill, decode_at):
        """Seconds per token of one prefill of each length, and of a token behind each length."""
        found = {}
        for length in prefill:
            self.clear()
            found[f"prefill {length}"] = self.decode(ids[:length], 0, False)[0] / length
        for length in decode_at:
            self.clear()
            self.decode(ids[:length], 0, False)
            steps = [self.decode([token], length + i, False)[0] for i, token in enumerate(ids[length:length + STEPS])]
            found[f"decode at {length}"] = statistics.median(steps)
        return found


def run(flags, *arguments):
    return subprocess.run([flags.tt_eval, *map(str, arguments), "-q", "--threads", str(flags.threads)], check=True,
                          capture_output=True, text=True).stdout


def our_logits(flags, folder, ids, compute):
    listed, rows = folder / "ids.json", folder / "logits.npy"
    listed.write_text(json.dumps({"ids": ids}))
    run(flags, "logits", "--model", flags.model, "--ids", listed, "--compute", compute, "-o", rows)
    return numpy.load(rows)


def nll(rows, ids):
    half = len(ids) // 2
    rows = rows[half:-1].astype(numpy.float64)
    rows = rows - rows.max(axis=1, keepdims=True)
    chosen = rows[numpy.arange(len(rows)), ids[half + 1:]]
    return numpy.log(numpy.exp(rows).sum(axis=1)) - chosen


def our_speeds(flags, compute):
    """The same of tt-eval, by policy."""
    more = ["--thresholds", flags.thresholds] if flags.thresholds else []
    lists = [["--" + name, ",".join(map(str, values)) or "none"] for name, values in
             (("prefill", flags.prefill), ("decode-at", flags.decode_at))]
    results = json.loads(run(flags, "bench", "--model", flags.model, "--text", flags.text, "--compute", compute, *lists[0], *lists[1],
                             "--decode-steps", STEPS, "--repetitions", 1, "--attention", *flags.attention, *more,
                             "--format", "json"))["rows"]
    found = {}
    for one in results:
        what = f"{one['phase']} {'at ' if one['phase'] == 'decode' else ''}{one['length']}"
        found.setdefault(f"{compute}, {one['policy']}", {})[what] = 1 / one["tokens_per_second"]
    return found


def compare_speeds(flags, theirs, ids):
    rounds = {}
    for _ in range(flags.rounds):
        rounds.setdefault("llama.cpp", []).append(theirs.speeds(ids, flags.prefill, flags.decode_at))
        for compute in flags.compute:
            for name, seconds in our_speeds(flags, compute).items():
                rounds.setdefault(name, []).append(seconds)
    medians = {name: {what: 1 / statistics.median(one[what] for one in all_of) for what in all_of[0]} for name, all_of in rounds.items()}
    for name, speeds in medians.items():
        print(f"{name}, tokens/s:", ", ".join(
            f"{what} {value:.1f} ({value / medians['llama.cpp'][what]:.2f} times)" for what, value in speeds.items()), flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("model")
    arguments.add_argument("text", type=pathlib.Path)
    arguments.add_argument("--tt-eval", default="build/release/apps/tt_eval/tt-eval")
    arguments.add_argument("--compute", nargs="+", default=["f32", "bf16", "q8"])
    arguments.add_argument("--chunk", type=int, default=512)
    arguments.add_argument("--windows", type=int, default=8)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--speed", action="store_true")
    arguments.add_argument("--prefill", type=int, nargs="*", default=[512, 2048])
    arguments.add_argument("--decode-at", type=int, nargs="*", default=[64])
    arguments.add_argument("--attention", nargs="+", default=["dense"], help="policies of tt-eval")
    arguments.add_argument("--thresholds", help="for policies that need them")
    arguments.add_argument("--rounds", type=int, default=5)
    flags = arguments.parse_args()
    longest = max([flags.windows * flags.chunk, *flags.prefill, *flags.decode_at])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        start = folder / "start.txt"
        start.write_text(flags.text.read_text(encoding="utf-8")[:(longest + STEPS) * 8], encoding="utf-8")
        ids = json.loads(run(flags, "tokenize", "--model", flags.model, "--text", start, "--plain", "--format", "json"))["ids"]
        windows = [ids[at:at + flags.chunk] for at in range(0, flags.windows * flags.chunk, flags.chunk)]
        theirs = LlamaCpp(flags.model, max([flags.chunk, *flags.prefill, *[at + STEPS for at in flags.decode_at]]), flags.threads, "f16")
        if not flags.windows:
            return compare_speeds(flags, theirs, ids)
        reference = numpy.concatenate([nll(theirs.logits(window), window) for window in windows])
        print(f"llama.cpp, f16 cache: perplexity {numpy.exp(reference.mean()):.4f} of {len(reference)} tokens")
        for compute in flags.compute:
            ours = numpy.concatenate([nll(our_logits(flags, folder, window, compute), window) for window in windows])
            print(f"tt-eval --compute {compute}: {numpy.exp(ours.mean()):.4f}, ratio {numpy.exp(ours.mean() - reference.mean()):.5f}")
        if flags.speed:
            compare_speeds(flags, theirs, ids)


if __name__ == "__main__":
    main()
