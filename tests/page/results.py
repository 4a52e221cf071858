"""Results as tt-eval writes them, made up: as many cells as wanted, with names that try to break a page."""
import json
import math

LAYERS, HEADS, GROUPS = 4, 8, 4
EVIL = ["<script>window.hacked=1</script>", "\"'><img src=x onerror=window.hacked=2>", "bell\u0007 and \u001b[31m",
        "</style></script><h1>", "a\u202eb & c", "line\nbreak"]


def place(kept, layer, head):
    share = min(1.0, kept * (1 + 0.1 * layer + 0.01 * head))
    return {"kept_elements": share, "effective_k_ratio": 0.8 + 0.1 * layer + 0.05 * head,
            "lost_mass": (1 - share) / 2, "output_error": 0.01 * (layer + head + 1),
            "output_cosine": 1 - 0.001 * (head + 1), "tiles": 0.3}


def sparsity(phase, kept):
    total = {"phase": phase, "v_rows": min(1.0, kept * 2), "k_rows": 1.0, **place(kept, 0, 0)}
    total["per_layer"] = [{"layer": layer, "v_rows": min(1.0, kept * 2), "k_rows": 1.0, **place(kept, layer, 0)}
                          for layer in range(LAYERS)]
    total["per_head"] = [{"layer": layer, "head": head, **place(kept, layer, head)}
                         for layer in range(LAYERS) for head in range(HEADS)]
    total["per_group"] = [{"layer": layer, "kv_head": group, "v_rows": min(1.0, kept * 2), "k_rows": 1.0}
                          for layer in range(LAYERS) for group in range(GROUPS)]
    return total


def policy(attention, k, number):
    return {"attention": attention, "k": k or None, "placement": "pre-softmax" if k else None,
            "sdc": "exact" if number % 2 else "none", "sdc_scale": 1.0, "vmc": bool(number % 2), "cap_k": False,
            "layer_k": [k or None] * LAYERS, "lookup": None,
            "thresholds": f"no/such {EVIL[number % len(EVIL)]}.h5" if attention == "theta" else None,
            "add_sigma": None, "topk_at_calibration": None}


def result(attention, k, task, phase, number):
    kept = 1.0 if attention == "dense" else min(0.4, k / 1000 + 0.003 * (attention == "theta"))
    loss = 0.0 if attention == "dense" else 2.0 / (k * (3 if attention == "theta" else 1)) + 1e-4 * (number % 7)
    run = {"policy": policy(attention, k, number),
           "task": {"name": task, "kind": "text", "examples": 10, "sha256": "ab" * 32, "definition": "text"},
           "metrics": {"perplexity": {"value": 2.5 * (1 + loss), "stderr": 0.02},
                       "nll": {"value": math.log(2.5 * (1 + loss)), "stderr": 0.01}},
           "counts": {"tokens": 1000}, "sparsity": sparsity(phase, kept), "seconds": {}}
    if attention != "dense":
        run["paired"] = {"perplexity_ratio": {"value": 1 + loss, "stderr": loss / 10, "low": 1 + loss * 0.8,
                                              "high": 1 + loss * 1.2}}
    return {"schema": "toptheta.result/1",
            "model": {"name": EVIL[0], "sha256": "cd" * 32, "num_layers": LAYERS, "num_heads": HEADS,
                      "num_kv_heads": GROUPS, "head_dim": 32},
            "runs": [run],
            "provenance": {"version": "0.1.0", "commit": EVIL[3], "seed": number,
                           "command": f"tt-eval run --task '{task}' --attention {attention} -k {k} {EVIL[1]}",
                           "inputs": [{"path": task, "sha256": "ab" * 32}]}}


def write_results(folder, count):
    """`count` cells over four tasks and both phases; every task name is hostile."""
    cells = folder / "cells"
    cells.mkdir(parents=True)
    groups = [(EVIL[i], phase) for i in (0, 1, 3, 4) for phase in ("prefill", "decode")]
    kinds = [("dense", 0)] + [(name, k) for k in range(2, 200, 2) for name in ("theta", "topk")]
    written = 0
    for attention, k in kinds:
        for task, phase in groups:
            if written == count:
                return
            cell = result(attention, k, task, phase, written)
            with open(cells / f"{written:04}.json", "w", encoding="utf-8") as file:
                json.dump(cell, file)
            written += 1


def cell(k, layer, head):
    """Thresholds of one head; the longest rows stand on few others."""
    lengths = list(range(k + 1, 1000, 7))
    return {"layer": layer, "head": head, "length": lengths,
            "theta": [3 - 0.2 * layer + 0.1 * head - 0.3 * math.log(k) + 0.2 * math.log(n) for n in lengths],
            "std": [0.2 + 0.01 * head] * len(lengths), "count": [40 if n < 900 else 2 for n in lengths],
            "sdc": [None] * len(lengths), "kept_mass": [0.6] * len(lengths)}


def write_table(path):
    """A threshold table in its JSON form, of two targets."""
    table = {"schema": "toptheta.thresholds/1",
             "meta": {"num_layers": LAYERS, "num_heads": HEADS, "num_kv_heads": GROUPS, "head_dim": 32,
                      "model": EVIL[0], "placement": "pre-softmax", "estimator": "exact", "add_sigma": 0.0,
                      "topk_at_calibration": False, "row_fraction": 1.0},
             "provenance": {"version": "0.1.0", "commit": "abc", "command": EVIL[1], "seed": 0,
                            "inputs": [{"path": EVIL[3], "sha256": "ef" * 32}]},
             "targets": [{"k": k, "layer_k": [k] * LAYERS,
                          "cells": [cell(k, layer, head) for layer in range(LAYERS) for head in range(HEADS)]}
                         for k in (8, 64)]}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(table, file)
