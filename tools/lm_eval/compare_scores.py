#!/usr/bin/env python3
"""Compare tt-eval's scores with lm-evaluation-harness's, example by example.

Usage: compare_scores.py TT_EVAL MODEL GOLDEN TASK=FILE[:FEW_SHOT] ...

GOLDEN is a folder with one file TASK.jsonl for each task: a line for each example with `requests` (each with
`loglikelihood`) and `acc`, and where the task has it `acc_norm`, as lm-evaluation-harness found them on the same lines of
FILE. As many examples are run as TASK.jsonl has lines. Printed for each task: how many examples, the largest difference of a
log-likelihood, how many `acc` and `acc_norm` differ. The exit status is 1 if an accuracy differs although no two choices
were closer than --tolerance, or if a log-likelihood differs by more than it.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def samples(arguments, file, few_shot, count, folder):
    """What tt-eval says of each example, in order."""
    log = pathlib.Path(folder) / "samples.jsonl"
    command = [arguments.tt_eval, "run", "--model", arguments.model, "--task", file, "--limit", str(count), "--attention", "dense",
               "--context", "2048", "--few-shot", str(few_shot), "--log-samples", str(log), "--format", "json", "-o",
               str(pathlib.Path(folder) / "result.json"), "--progress", "none"]
    subprocess.run(command, check=True)
    return lines_of(log)


def close_call(golden, tolerance):
    """Whether two choices were so close that right implementations may differ."""
    values = sorted(request["loglikelihood"] for request in golden["requests"])
    return any(b - a < tolerance for a, b in zip(values, values[1:]))


def compare(name, golden, ours, tolerance):
    if len(golden) != len(ours):
        print(f"{name}: {len(ours)} examples where {len(golden)} are expected")
        return False
    largest = 0.0
    differing = {"acc": [], "acc_norm": []}
    right = True
    for index, (theirs, own) in enumerate(zip(golden, ours)):
        expected = [request["loglikelihood"] for request in theirs["requests"]]
        if len(expected) != len(own["log_likelihoods"]):
            print(f"{name}: example {index} has {len(own['log_likelihoods'])} log-likelihoods, expected {len(expected)}")
            return False
        largest = max([largest, *(abs(a - b) for a, b in zip(expected, own["log_likelihoods"]))])
        for metric, indices in differing.items():
            if metric in theirs and metric in own and float(theirs[metric]) != float(own[metric]):
                indices.append(index)
                right = right and close_call(theirs, tolerance)
    print(f"{name}: {len(ours)} examples, largest difference of a log-likelihood {largest:.6f}, "
          f"acc differs in {differing['acc']}, acc_norm in {differing['acc_norm']}", flush=True)
    return right and largest <= tolerance


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tt_eval")
    parser.add_argument("model")
    parser.add_argument("golden")
    parser.add_argument("tasks", nargs="+", metavar="TASK=FILE[:FEW_SHOT]")
    parser.add_argument("--tolerance", type=float, default=0.002)
    arguments = parser.parse_args()
    right = True
    for task in arguments.tasks:
        name, file = task.split("=", 1)
        file, _, few_shot = file.partition(":")
        golden = lines_of(pathlib.Path(arguments.golden) / f"{name}.jsonl")
        with tempfile.TemporaryDirectory() as folder:
            ours = samples(arguments, file, int(few_shot or 0), len(golden), folder)
        right = compare(name, golden, ours, arguments.tolerance) and right
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
