"""Trains the model on fresh documents of both worlds. One thread; resumable; writes a log and exports as it goes.

    /usr/bin/python3 train.py --out DIR --tokenizer FILE --steps 21909 --decay 950 --seed 1

Everything follows from the step: the length of the documents (--lengths), the learning rate, and the documents themselves,
each drawn from a generator seeded with "train/seed/step". `reproduce` has the stages of the model in data/.
"""
import os
import sys

ENV = {"OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "8589934592",
       "MALLOC_TOP_PAD_": "268435456", "MALLOC_ARENA_MAX": "1"}
if __name__ == "__main__" and any(os.environ.get(k) != v for k, v in ENV.items()):
    os.execve(sys.executable, [sys.executable] + sys.argv, dict(os.environ, **ENV))

import argparse
import random
import time

import torch
import torch.nn.functional as F

import bpe
import document
import export
import model
import world_a
import world_b


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--steps", type=int, required=True, help="stop after this step; a later run may go on from there")
    p.add_argument("--decay", type=int, default=0, help="of these, so many at the end with linearly falling rates")
    p.add_argument("--lengths", default="128:0,256:2300,512:8300,1024:13350", help="document length:from this step")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--lr", type=float, default=0.004)
    p.add_argument("--adam-lr", type=float, default=0.003)
    p.add_argument("--batch", type=int, default=2048, help="tokens a step")
    p.add_argument("--share-b", type=float, default=0.2)
    p.add_argument("--eval-steps", type=int, default=800)
    return p.parse_args()


def make_batch(rng, tok, length, rows, share_b):
    """ids (rows, length + 1) and the weight of each predicted token (rows, length)."""
    ids = torch.full((rows, length + 1), tok.eos)
    weight = torch.zeros(rows, length)
    for r in range(rows):
        world = (world_b if rng.random() < share_b else world_a).World(rng)
        doc = document.make(world, tok, length + 1, *document.training_shape(rng))
        got = doc.ids[:length + 1]
        ids[r, :len(got)] = torch.tensor(got)
        weight[r, :len(got) - 1] = 0.1
        for kind, first, end, *_ in doc.answers:
            weight[r, first - 1:min(end, length + 1) - 1] = 1.0
    return ids, weight


@torch.no_grad()
def evaluate(params, cfg, rope, tok, length, docs, seed="eval"):
    """Teacher-forced exact answers on held-out documents: {(domain, kind, distance bucket): [right, asked]}."""
    table = {}
    for domain, module in (("a", world_a), ("b", world_b)):
        n = docs if domain == "a" else docs // 2
        for i in range(n):
            rng = random.Random("%s/%s/%d" % (seed, domain, i))
            doc = document.make(module.World(rng), tok, length, 0.3, 0.6, 0.2)
            ids = torch.tensor(doc.ids[:length])[None]
            best = model.logits(params, model.forward(params, cfg, ids[:, :-1], rope))[0].argmax(-1)
            for kind, first, end, distance, *_ in doc.answers:
                if end > length:
                    continue
                right = bool((best[first - 1:end - 1] == ids[0, first:end]).all())
                far = "near" if distance < 64 else "mid" if distance < 256 else "far"
                cell = table.setdefault((domain, kind, far), [0, 0])
                cell[0] += right
                cell[1] += 1
    return table


def summary(table):
    """One line: exact answers by domain and distance, then by kind."""
    def rate(pick):
        cells = [c for k, c in table.items() if pick(k)]
        n = sum(c[1] for c in cells)
        return 100.0 * sum(c[0] for c in cells) / n if n else float("nan")
    out = []
    for d in "ab":
        out.append("%s %.1f" % (d.upper(), rate(lambda k: k[0] == d)))
        out += ["%s %.0f" % (f, rate(lambda k: k[0] == d and k[2] == f)) for f in ("near", "mid", "far")]
        out += ["%s %.0f" % (q, rate(lambda k: k[0] == d and k[1] == q))
                for q in sorted({k[1] for k in table if k[0] == d})]
    return " ".join(out)


def main():
    args = arguments()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    os.makedirs(args.out, exist_ok=True)
    tok = bpe.Tokenizer(args.tokenizer)
    cfg = model.Config(tok.size)
    rope = model.rotary(cfg, cfg.context)
    params = model.init_params(cfg, args.seed)
    opt = model.Optimizer(params, args.lr, args.adam_lr)
    lengths = [(int(a), int(b)) for a, b in (x.split(":") for x in args.lengths.split(","))]
    s = {"step": 0, "tokens": 0, "seconds": 0.0, "acc": 0.0, "loss": 6.0}
    path = os.path.join(args.out, "checkpoint.pt")
    if os.path.exists(path):
        saved = torch.load(path)
        for k, v in saved["params"].items():
            params[k].data.copy_(v)
        opt.load(saved["opt"])
        s = saved["state"]
    log_path = os.path.join(args.out, "log.csv")
    if not os.path.exists(log_path):
        with open(log_path, "w") as f:
            f.write("step,tokens,seconds,length,lr_scale,answer_loss,answer_token_accuracy,eval\n")
    print("parameters", sum(v.numel() for v in params.values()), "vocabulary", tok.size, flush=True)
    began = time.time() - s["seconds"]
    last_save = s["seconds"]

    def save():
        state = {"params": {k: v.detach() for k, v in params.items()}, "opt": opt.state(), "state": s}
        torch.save(state, path + ".new")
        os.replace(path + ".new", path)
        export.export(params, cfg, tok, args.tokenizer, os.path.join(args.out, "model"))

    while True:
        s["seconds"] = time.time() - began
        left = args.steps - s["step"]
        length = [length for length, first in lengths if first <= s["step"]][-1]
        done = left <= 0
        note = ""
        if done or (s["step"] > 0 and s["step"] % args.eval_steps == 0):
            note = summary(evaluate(params, cfg, rope, tok, length, 24 if length > 512 else 48))
        scale = min(1.0, (s["step"] + 1) / 100, max(0.02, left / args.decay) if args.decay else 1.0)
        if note or s["step"] % 50 == 0:
            line = "%d,%d,%.0f,%d,%.3f,%.4f,%.4f,%s" % (s["step"], s["tokens"], s["seconds"], length, scale, s["loss"],
                                                       s["acc"], note)
            with open(log_path, "a") as f:
                f.write(line + "\n")
            print(line, flush=True)
        if done or s["seconds"] - last_save > 120:
            save()
            last_save = s["seconds"]
        if done:
            return
        rng = random.Random("train/%d/%d" % (args.seed, s["step"]))
        rows = max(1, args.batch // length)
        ids, weight = make_batch(rng, tok, length, rows, args.share_b)
        hidden = model.forward(params, cfg, ids[:, :-1], rope)
        out = model.logits(params, hidden).view(rows * length, -1)
        target = ids[:, 1:].reshape(-1)
        each = F.cross_entropy(out, target, reduction="none")
        flat = weight.view(-1)
        loss = (each * flat).sum() / flat.sum()
        loss.backward()
        opt.step(scale)
        answers = flat == 1.0
        mix = 0.02 if s["step"] > 50 else 0.2
        with torch.no_grad():
            s["loss"] += mix * (each[answers].mean().item() - s["loss"])
            right = (out[answers].argmax(-1) == target[answers]).float().mean().item()
        s["acc"] += mix * (right - s["acc"])
        s["step"] += 1
        s["tokens"] += rows * length


if __name__ == "__main__":
    main()
