"""Measures an exported model on data/: multiple choice, needle retrieval, perplexity; dense or with exact top-k.

    /usr/bin/python3 evaluate.py --data ../../data [--topk 8] [--dense-layers 0] [--limit 100] [--only mc-a,needle]

--form renormalised: the softmax runs over the k kept scores. --form full: kept terms are divided by the whole row's
denominator, as if the others' values were zero (attention elements dropped without compensation).
--form mean: as full, with the mean of all values so far in place of the dropped ones.
"""
import argparse
import glob
import json
import math
import os

import torch

import bpe
import reference


def scored(model, tok, cache, last, ids, opts):
    """(log-likelihoods of ids after the cached context, whether each is the first choice), given the logits before."""
    out = last
    if len(ids) > 1:
        more, _ = model.run(ids[:-1], cache, **opts)
        out = torch.cat([last, more])
    logp = torch.log_softmax(out.double(), -1)
    target = torch.tensor(ids)
    return logp[range(len(ids)), target], logp.argmax(-1) == target


def rate(right, asked):
    p = right / asked
    return "%.1f%% +- %.1f (%d of %d)" % (100 * p, 100 * math.sqrt(p * (1 - p) / max(1, asked - 1)), right, asked)


def choices(model, tok, path, limit, opts):
    with open(path, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f][:limit]
    kinds, nll, exact = {}, 0.0, 0
    for r in rows:
        context = tok.encode(r["context"], bos=True)
        last, cache = model.run(context, None, last_only=True, **opts)
        scores = []
        for i, c in enumerate(r["choices"]):
            both = tok.encode(r["context"] + c, bos=True)
            assert both[:len(context)] == context
            logp, top = scored(model, tok, cache, last, both[len(context):], opts)
            scores.append(float(logp.sum()))
            if i == r["label"]:
                nll -= float(logp.sum())
                exact += bool(top.all())
        cell = kinds.setdefault(r["kind"], [0, 0])
        cell[0] += scores.index(max(scores)) == r["label"]
        cell[1] += 1
    right = sum(c[0] for c in kinds.values())
    print("  accuracy", rate(right, len(rows)), "answer NLL %.4f" % (nll / len(rows)), "exact", rate(exact, len(rows)))
    print("  by kind", " ".join("%s %.1f" % (k, 100 * a / n) for k, (a, n) in sorted(kinds.items())), flush=True)


def needles(model, tok, path, limit, opts):
    with open(path, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    rows = rows[::max(1, len(rows) // limit)]
    buckets, total = {}, 0
    for r in rows:
        last, cache = model.run(tok.encode(r["prompt"], bos=True), None, last_only=True, **opts)
        made = []
        for _ in range(r["max_new_tokens"]):
            made.append(int(last[-1].argmax()))
            if any(s in tok.decode(made) for s in r["stop"]):
                break
            last, cache = model.run(made[-1:], cache, **opts)
        text = tok.decode(made)
        for s in r["stop"]:
            text = text.split(s)[0]
        good = text.strip() == r["answer"]
        cell = buckets.setdefault(r["distance"] // 150, [0, 0])
        cell[0] += good
        cell[1] += 1
        total += good
    print("  exact", rate(total, len(rows)), " ".join("%d-%d: %.1f" % (150 * b, 150 * b + 149, 100 * a / n)
                                                      for b, (a, n) in sorted(buckets.items())), flush=True)


def perplexity(model, tok, folder, limit, opts):
    total = count = 0
    for path in sorted(glob.glob(os.path.join(folder, "*.txt")))[:limit]:
        with open(path, encoding="utf-8") as f:
            ids = tok.encode(f.read(), bos=True)
        out, _ = model.run(ids[:-1], None, **opts)
        logp = torch.log_softmax(out.double(), -1)[range(len(ids) - 1), torch.tensor(ids[1:])]
        total -= float(logp.sum())
        count += len(ids) - 1
    print("  perplexity %.4f (%d tokens)" % (math.exp(total / count), count), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--data", required=True)
    p.add_argument("--model")
    p.add_argument("--topk", type=int, default=0)
    p.add_argument("--form", choices=["renormalised", "full", "mean"], default="renormalised")
    p.add_argument("--dense-layers", type=int, default=0)
    p.add_argument("--limit", type=int, default=100000)
    p.add_argument("--only", default="mc-a,mc-b,needle,text-a,text-b")
    args = p.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    directory = args.model or os.path.join(args.data, "model")
    model, tok = reference.Model(directory), bpe.Tokenizer(os.path.join(directory, "tokenizer.json"))
    opts = {"topk": args.topk, "dense_layers": args.dense_layers, "form": args.form}
    print("top-k %s %s, first %d layers dense" % (args.topk or "off", args.form, args.dense_layers))
    for what in args.only.split(","):
        print(what)
        if what.startswith("mc"):
            choices(model, tok, os.path.join(args.data, "tasks", what + ".jsonl"), args.limit, opts)
        elif what == "needle":
            needles(model, tok, os.path.join(args.data, "tasks", "needle-a.jsonl"), args.limit, opts)
        else:
            perplexity(model, tok, os.path.join(args.data, "heldout-" + what[-1]), args.limit, opts)


if __name__ == "__main__":
    main()
