"""Runs every calibration and evaluation behind docs/results.md, as commands of the two programs.

    python3 experiments.py --programs build/release/apps --out build/results [--fresh]

Each command writes one file; files that the same command wrote before are kept.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
SWEEP = "4,8,16,32,64,128,256"
# Enough for a sweep; the headline uses whole sets.
SOME_QUESTIONS, SOME_NEEDLES, SOME_DECODED_TEXTS = 100, 60, 8
BARE, COMPENSATED = "theta", "theta:sdc=exact,vmc"
BEFORE = ["topk", "topk:sdc=exact,vmc", BARE, COMPENSATED]
EVERY_SDC = [BARE, "theta:vmc", "theta:sdc=offline", "theta:sdc=offline,vmc", "theta:sdc=exp-threshold",
             "theta:sdc=exp-threshold,vmc", "theta:sdc=exact", COMPENSATED]
AFTER = ["theta:placement=post-softmax", "theta:placement=post-softmax,vmc"]


class Runner:
    def __init__(self, programs, out, fresh):
        self.programs, self.out, self.fresh = programs, out, fresh
        out.mkdir(parents=True, exist_ok=True)

    def run(self, name, program, arguments):
        """Runs `program arguments -o out/name` unless that file is there and was made by this command."""
        target = self.out / name
        record = self.out / (name + ".command")
        command = " ".join(str(a) for a in arguments)
        if not self.fresh and target.exists() and record.exists() and record.read_text() == command:
            return
        began = time.time()
        binary = self.programs / program.replace("-", "_") / program
        result = subprocess.run([binary, *map(str, arguments), "-q", "-o", target], stdout=subprocess.DEVNULL)
        if result.returncode != 0:
            sys.exit(f"results: {program} failed: {command}")
        record.write_text(command)
        print(f"{name}: {time.time() - began:.0f} s", file=sys.stderr, flush=True)

    def fit(self, name, k, *flags, texts=64):
        documents = sorted((DATA / "calib-a").glob("*.txt"))[:texts]
        self.run(name + ".h5", "tt-calibrate",
                 ["fit", "--model", DATA / "model", "--text", *documents, "-k", k, *flags])

    def evaluate(self, name, task, policies, tables, k, *flags):
        arguments = ["run", "--model", DATA / "model", "--task", DATA / task, "--attention", *policies, "-k", k, *flags]
        if tables:
            arguments += ["--thresholds", *(self.out / (table + ".h5") for table in tables)]
        self.run(name + ".json", "tt-eval", arguments)


def calibrate(runner):
    runner.fit("tac", SWEEP, "--tac")
    runner.fit("dense", SWEEP)
    runner.fit("weights", SWEEP, "--placement", "post-softmax")
    runner.fit("offline", 16, "--tac", "--sdc-offline")
    for sigma in ("0.1", "0.5"):
        runner.fit("sigma-" + sigma, "8,16,32", "--tac", "--add-sigma", sigma)
    for texts in (1, 2, 4, 8, 16, 32):
        runner.fit(f"texts-{texts}", 16, "--tac", texts=texts)
    runner.fit("first-two-dense", "4,8,16,32", "--tac", "--layer-k", "0:dense,1:dense")


def headline(runner):
    """Whole sets, k = 16, and k = 8 where something can be seen."""
    for domain in "ab":
        runner.evaluate(f"headline-text-{domain}", f"heldout-{domain}", ["dense", *BEFORE], ["tac"], "8,16")
        runner.evaluate(f"headline-choice-{domain}", f"tasks/mc-{domain}.jsonl", ["dense", BARE, COMPENSATED], ["tac"], "8,16")
    runner.evaluate("headline-needle-a", "tasks/needle-a.jsonl", ["dense", BARE, COMPENSATED], ["tac"], "8,16")


def compensations(runner):
    for domain in "ab":
        runner.evaluate(f"sdc-text-{domain}", f"heldout-{domain}", ["dense", *EVERY_SDC], ["offline"], 16)
    runner.evaluate("sdc-needle-a", "tasks/needle-a.jsonl", EVERY_SDC, ["offline"], 16, "--limit", SOME_NEEDLES)
    for domain in "ab":
        runner.evaluate(f"sdc-weights-text-{domain}", f"heldout-{domain}", AFTER, ["weights"], 16)
    runner.evaluate("sdc-weights-needle-a", "tasks/needle-a.jsonl", AFTER, ["weights"], 16, "--limit", SOME_NEEDLES)


def trade_off(runner):
    for domain in "ab":
        runner.evaluate(f"sweep-text-{domain}", f"heldout-{domain}", ["dense", *BEFORE], ["tac"], SWEEP)
        runner.evaluate(f"sweep-weights-text-{domain}", f"heldout-{domain}", AFTER[1:], ["weights"], SWEEP)
        runner.evaluate(f"sweep-choice-{domain}", f"tasks/mc-{domain}.jsonl", ["dense", BARE, COMPENSATED], ["tac"], SWEEP,
                        "--limit", SOME_QUESTIONS)
        runner.evaluate(f"sweep-decode-{domain}", f"heldout-{domain}", ["dense", BEFORE[1], BARE, COMPENSATED], ["tac"], SWEEP,
                        "--phase", "decode", "--limit", SOME_DECODED_TEXTS)
    runner.evaluate("sweep-needle-a", "tasks/needle-a.jsonl", ["dense", *BEFORE], ["tac"], SWEEP, "--limit", SOME_NEEDLES)


def choices(runner):
    """TAC, add_sigma, calibration size, the first two layers dense."""
    pair = [BARE, COMPENSATED]
    for domain in "ab":
        text = f"heldout-{domain}"
        runner.evaluate(f"tac-off-text-{domain}", text, pair, ["dense"], SWEEP)
        for sigma in ("0.1", "0.5"):
            runner.evaluate(f"sigma-{sigma}-text-{domain}", text, pair, ["sigma-" + sigma], "8,16,32")
        for texts in (1, 2, 4, 8, 16, 32):
            runner.evaluate(f"texts-{texts}-text-{domain}", text, pair, [f"texts-{texts}"], 16)
        runner.evaluate(f"first-two-dense-text-{domain}", text, pair, ["first-two-dense"], "4,8,16,32")
    runner.evaluate("tac-off-needle-a", "tasks/needle-a.jsonl", pair, ["dense"], "4,8,16", "--limit", SOME_NEEDLES)
    runner.evaluate("first-two-dense-needle-a", "tasks/needle-a.jsonl", pair, ["first-two-dense"], "4,8,16,32", "--limit",
                    SOME_NEEDLES)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/apps")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/results")
    parser.add_argument("--fresh", action="store_true", help="run again what is there")
    flags = parser.parse_args()
    runner = Runner(flags.programs.resolve(), flags.out.resolve(), flags.fresh)
    for stage in (calibrate, headline, compensations, trade_off, choices):
        stage(runner)


if __name__ == "__main__":
    main()
