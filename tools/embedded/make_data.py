"""Writes data/: calibration and held-out text, multiple choice and needle tasks. Seeds are strings of the form
"<split>/<domain>/<number>", disjoint from training's "train/<seed>/<step>".

    /usr/bin/python3 make_data.py --tokenizer ../../data/model/tokenizer.json --out ../../data
"""
import argparse
import json
import os
import random

import bpe
import document
import world_a
import world_b

WORLDS = {"a": world_a.World, "b": world_b.World}
LONGEST = 1023      # tokens of a text with its BOS: a window of 1024 holds it


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        f.write(text)


def text_files(tok, out, split, domain, count):
    for i in range(count):
        rng = random.Random("%s/%s/%d" % (split, domain, i))
        while True:
            doc = document.make(WORLDS[domain](rng), tok, LONGEST - 12, *document.training_shape(rng))
            text = doc.text + ".\n"
            if len(tok.encode(text, bos=True)) <= LONGEST:
                break
        write(os.path.join(out, "%s-%s" % (split, domain), "%03d.txt" % i), text)


def long_document(rng, domain, tok, least, most):
    """A document that is mostly told, hardly asked: most of its facts are still open at the end."""
    world = WORLDS[domain](rng)
    fill = rng.uniform(0.1, 0.3) if domain == "a" else rng.uniform(0.3, 0.45)
    return world, document.make(world, tok, rng.randint(least, most), 0.8, 0.4, fill)


def multiple_choice(tok, domain, i):
    rng = random.Random("choice/%s/%d" % (domain, i))
    while True:
        world, doc = long_document(rng, domain, tok, 700, 970)
        kinds = {}
        for fact, end in doc.open_facts:
            if len(doc.ids) - end >= 100:
                for q in fact.questions:
                    kinds.setdefault(q[0], []).append((fact, q, end))
        kind = rng.choice(sorted(kinds))
        fact, (kind, question, answer, slot), end = rng.choice(kinds[kind])
        rivals = set(v for v in world.values[slot] if " " + v != answer)
        first = []
        if kind in ("got", "gave"):      # the other person of the same sentence is the hardest wrong answer
            first = [q[2][1:] for q in fact.questions if q[0] != kind]
        rest = sorted(rivals - set(first))
        if len(rest) + len(first) < 3:
            continue
        wrong = first + rng.sample(rest, 3 - len(first))
        choices = [" " + w for w in wrong]
        label = rng.randrange(4)
        choices.insert(label, answer)
        context = doc.text + ".\n" + document.question_line(world, question)
        ids = tok.encode(context, bos=True)
        assert len(ids) + 8 <= LONGEST and len(set(choices)) == 4
        return {"context": context, "choices": choices, "label": label, "kind": kind, "distance": len(ids) - end,
                "tokens": len(ids)}


def needle(tok, i, count):
    """A code told once, at about the wanted distance before the end of a long story, asked at the end."""
    rng = random.Random("needle/a/%d" % i)
    world = world_a.World(rng)
    fact = world.fact(kind="code")
    kind, question, answer, _ = fact.questions[0]
    target, total = 50 + 850 * i / (count - 1), rng.randint(945, 985)
    doc = document.make(world, tok, total, 0.85, 0.3, rng.uniform(0.1, 0.3), plant=(total - target, fact))
    prompt = doc.text + ".\n" + document.question_line(world, question)
    size = len(tok.encode(prompt, bos=True))
    assert size + 8 <= LONGEST
    return {"prompt": prompt, "answer": answer[1:], "stop": ["."], "max_new_tokens": 8,
            "distance": size - doc.planted_end, "tokens": size}


def lines(rows):
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--choices", type=int, default=500)
    p.add_argument("--needles", type=int, default=240)
    args = p.parse_args()
    tok = bpe.Tokenizer(args.tokenizer)
    for domain in WORLDS:
        text_files(tok, args.out, "calib", domain, 64)
        text_files(tok, args.out, "heldout", domain, 32)
        rows = [multiple_choice(tok, domain, i) for i in range(args.choices)]
        write(os.path.join(args.out, "tasks", "mc-%s.jsonl" % domain), lines(rows))
    rows = [needle(tok, i, args.needles) for i in range(args.needles)]
    write(os.path.join(args.out, "tasks", "needle-a.jsonl"), lines(rows))


if __name__ == "__main__":
    main()
