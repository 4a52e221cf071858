#!/usr/bin/env python3
"""Perplexity, KL divergence and change in probability of `tt-eval run --ppl-chunk`, recomputed from logits.

    tools/llama_cpp/compare_perplexity.py TT_EVAL MODEL TEXT [--chunk 512] [--windows 2] [--attention topk:k=32]
        [--transformers] [--llama-perplexity PROGRAM]

Windows of CHUNK tokens of TEXT go through `tt-eval logits` one by one, with dense attention and with the policy. The figures are then
computed as llama-perplexity does, in double precision with numpy. --transformers also computes perplexity with transformers, from
MODEL's own weights (widened to float32 for a GGUF file), on the same tokens. --llama-perplexity also runs that program, on the same
text, context and number of windows. Prints a table; the exit status is 1 if two numbers differ by more than 0.5%.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy

TOLERANCE = 0.005


def tokenized(flags, **what):
    name, value = next(iter(what.items()))
    command = [flags.tt_eval, "tokenize", "--model", flags.model, f"--{name}", str(value), "-q"]
    return subprocess.run(command + (["--plain"] if name == "ids" else ["--format", "json"]), check=True, capture_output=True,
                          text=True).stdout


def windows_of(flags, folder):
    """The text of the windows, and their ids with the token that the tokenizer puts first, if any."""
    whole = flags.text.read_text(encoding="utf-8")
    enough = folder / "enough.txt"
    enough.write_text(whole[:flags.windows * flags.chunk * 8], encoding="utf-8")
    ids = json.loads(tokenized(flags, text=enough))["ids"]
    bos = ids[:1] if flags.bos else []
    ids = ids[len(bos):]
    wanted = flags.windows * flags.chunk - len(bos)
    listed = folder / "ids.json"
    listed.write_text(json.dumps({"ids": ids[:wanted + 16]}))
    text = folder / "windows.txt"
    text.write_text(tokenized(flags, ids=listed), encoding="utf-8")
    stream = bos + ids[:wanted]
    windows = [stream[at:at + flags.chunk] for at in range(0, len(stream), flags.chunk)]
    return text, [bos + window[len(bos):] for window in windows]


def log_probabilities(flags, folder, window, attention):
    ids, logits = folder / "window.json", folder / "logits.npy"
    ids.write_text(json.dumps({"ids": window}))
    subprocess.run([flags.tt_eval, "logits", "--model", flags.model, "--ids", ids, "--attention", attention, "-o", logits, "-q"],
                   check=True, stdout=subprocess.DEVNULL)
    rows = numpy.load(logits)[flags.chunk // 2:-1].astype(numpy.float64)
    rows -= rows.max(axis=1, keepdims=True)
    return rows - numpy.log(numpy.exp(rows).sum(axis=1, keepdims=True))


def from_logits(flags, folder, windows):
    """Our own figures by another way: names as in the JSON of a result."""
    nll, kl, same, change = [], [], [], []
    for window in windows:
        dense = log_probabilities(flags, folder, window, "dense")
        sparse = log_probabilities(flags, folder, window, flags.attention)
        right = numpy.array(window[flags.chunk // 2 + 1:])
        at = numpy.arange(len(right))
        nll.append(-sparse[at, right])
        kl.append((numpy.exp(dense) * (dense - sparse)).sum(axis=1))
        same.append(dense.argmax(axis=1) == sparse.argmax(axis=1))
        change.append(numpy.exp(sparse[at, right]) - numpy.exp(dense[at, right]))
    nll, kl, same, change = map(numpy.concatenate, (nll, kl, same, change))
    return {"perplexity_chunked": numpy.exp(nll.mean()), "kl_chunked": kl.mean(), "kl_p99_chunked": numpy.quantile(kl, 0.99),
            "kl_max_chunked": kl.max(), "delta_p_rms_chunked": numpy.sqrt((change**2).mean()),
            "delta_p_p01_chunked": numpy.quantile(change, 0.01), "same_top_chunked": same.mean()}


def from_run(flags, text):
    command = [flags.tt_eval, "run", "--model", flags.model, "--task", text, "--attention", "dense", flags.attention, "--ppl-chunk",
               str(flags.chunk), "--context", str(flags.chunk), "--format", "json", "-q"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["runs"]


def by_transformers(flags, windows):
    import torch
    import transformers
    path = pathlib.Path(flags.model)
    where = {"gguf_file": path.name} if path.is_file() else {}
    model = transformers.AutoModelForCausalLM.from_pretrained(path.parent if path.is_file() else path, dtype=torch.float32, **where)
    nll = []
    with torch.no_grad():
        for window in windows:
            rows = model(torch.tensor([window])).logits[0, flags.chunk // 2:-1].double().log_softmax(-1)
            right = torch.tensor(window[flags.chunk // 2 + 1:])
            nll.append(-rows.gather(1, right[:, None])[:, 0])
    return float(torch.cat(nll).mean().exp())


def by_llama(flags, text):
    command = [flags.llama_perplexity, "-m", flags.model, "-f", text, "-c", str(flags.chunk), "--chunks", str(flags.windows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(re.search(r"PPL = ([0-9.]+)", done.stdout + done.stderr)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tt_eval")
    parser.add_argument("model")
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("--chunk", type=int, default=512)
    parser.add_argument("--windows", type=int, default=2)
    parser.add_argument("--attention", default="topk:k=32")
    parser.add_argument("--bos", action="store_true", help="the model's tokenizer puts a token before texts")
    parser.add_argument("--transformers", action="store_true")
    parser.add_argument("--llama-perplexity")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text, windows = windows_of(flags, folder)
        dense, sparse = from_run(flags, text)
        own = {key: sparse["metrics"][key]["value"] for key in sparse["metrics"]}
        pairs = [(key, own[key], value) for key, value in from_logits(flags, folder, windows).items()]
        of_dense = dense["metrics"]["perplexity_chunked"]["value"]
        if flags.transformers:
            pairs.append(("dense perplexity, transformers", of_dense, by_transformers(flags, windows)))
        if flags.llama_perplexity:
            pairs.append(("dense perplexity, llama-perplexity", of_dense, by_llama(flags, text)))
    failed = False
    print(f"{'':36}{'tt-eval run':>14}{'other':>14}{'difference':>12}")
    for key, ours, theirs in pairs:
        difference = abs(ours - theirs) / max(abs(theirs), 1e-12)
        failed = failed or difference > TOLERANCE
        print(f"{key:36}{ours:14.7f}{theirs:14.7f}{difference:12.2e}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
