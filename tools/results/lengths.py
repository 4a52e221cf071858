"""Accuracy over the length of a prompt: tasks that `tt-eval tasks make` hides in the held-out texts of domain A.

    python3 lengths.py --programs build/release/apps --out build/rivals [--renew docs/results.md]

Needs the thresholds that rivals.py writes to the same folder.
"""
import argparse
import json
import pathlib

from experiments import DATA, Runner
from rivals import FRACTIONS, keys_for, renew

LENGTHS = (128, 256, 512, 768, 1000)
KINDS = ("needle", "multi-key")
K = keys_for(FRACTIONS[0], 1024)
POLICIES = (("dense", "dense"), (f"top-k, k = {K}", f"topk:k={K}"), (f"top-θ, k = {K}", f"theta:k={K}"),
            (f"top-θ, k = {K}, exact SDC + VMC", f"theta:k={K},sdc=exact,vmc"),
            (f"window of {K - 4} + 4 sinks", f"window:window={K - 4},sinks=4"), (f"H2O, {K} keys", f"h2o:budget={K}"),
            ("Quest, one page of 16", "quest:k=16"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=20, help="prompts of each kind and length")
    parser.add_argument("--renew", type=pathlib.Path)
    flags = parser.parse_args()
    flags.out = flags.out.resolve()
    runner = Runner(flags.programs.resolve(), flags.out, fresh=False)
    titles = ["task", "tokens", *(name for name, _ in POLICIES)]
    lines = ["| " + " | ".join(titles) + " |", "|---" + "|---:" * (len(titles) - 1) + "|"]
    for kind in KINDS:
        for length in LENGTHS:
            made = f"{kind}-{length}.jsonl"
            runner.run(made, "tt-eval", ["tasks", "make", kind, "--model", DATA / "model", "--length", length, "--count", flags.count,
                                         "--seed", 1])
            runner.run(f"{kind}-{length}.json", "tt-eval",
                       ["run", "--model", DATA / "model", "--task", flags.out / made, "--attention", *(p for _, p in POLICIES),
                        "--thresholds", flags.out / "theta.h5"])
            cells = []
            for run in json.loads((flags.out / f"{kind}-{length}.json").read_text())["runs"]:
                measure = run["metrics"]["exact_match"]
                cells.append(f"{100 * measure['value']:.1f} ± {100 * (measure['stderr'] or 0):.1f}")
            lines.append("| " + " | ".join([kind, str(length), *cells]) + " |")
    table = "\n".join(lines)
    if flags.renew:
        renew(flags.renew, {"lengths": table})
    else:
        print(f"<!-- lengths -->\n{table}\n<!-- /lengths -->")


if __name__ == "__main__":
    main()
