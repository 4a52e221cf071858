"""Makes the tables of docs/calibration.md, "Evidence": thresholds from curves compared with the exact row thresholds, and
what both keep on texts that were not used for calibration.

    /usr/bin/python3 tools/results/curves.py --programs build/release/apps --out build/results

Calibrates the embedded model on its 64 texts of domain A, with curves, and evaluates on the 32 held-out texts of each
domain. Files that the same command wrote before are kept. Needs python3-h5py and python3-numpy.
"""
import argparse
import json
import pathlib

import h5py
import numpy as np
from experiments import DATA, Runner

K = [8, 16, 32, 64, 128, 256, 512]
K_LIST = ",".join(map(str, K))
POLICY = "theta:sdc=exact,vmc"


def columns(path, k):
    with h5py.File(path) as table:
        target = table[f"targets/{k}"]
        return {name: target[name][:] for name in ("layer", "head", "length", "theta", "std", "count")}


def length_bin(lengths):
    """Four to the octave, as lib/theta/curve.hpp has them."""
    octave = np.floor(np.log2(lengths)).astype(int)
    return octave * 4 + (lengths - 2 ** octave) * 4 // 2 ** octave


def deviations(exact_path, pooled_path, k):
    """Per layer, head and length bin: mean pooled minus mean exact theta, in row-to-row standard deviations."""
    exact, pooled = columns(exact_path, k), columns(pooled_path, k)
    found = []
    for layer, head in sorted(set(zip(exact["layer"], exact["head"]))):
        one = (exact["layer"] == layer) & (exact["head"] == head)
        other = (pooled["layer"] == layer) & (pooled["head"] == head)
        lengths = exact["length"][one]
        theta = np.interp(np.log(lengths), np.log(pooled["length"][other]), pooled["theta"][other])
        difference = theta - exact["theta"][one]
        for b in np.unique(length_bin(lengths)):
            own = length_bin(lengths) == b
            spread = np.sqrt(np.mean(exact["std"][one][own] ** 2))
            if spread > 0:
                found.append(np.mean(difference[own]) / spread)
    return np.array(found)


def ratio(path, k):
    """Effective k / k, geometric mean over heads, of the run with this k; and its perplexity."""
    for run in json.loads(path.read_text())["runs"]:
        if run["policy"]["k"] == k:
            return run["sparsity"]["effective_k_ratio"], run["metrics"]["perplexity"]["value"]
    raise SystemExit(f"{path}: no run with k = {k}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path("build/release/apps"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/results"))
    parser.add_argument("--fresh", action="store_true")
    arguments = parser.parse_args()
    runner = Runner(arguments.programs.resolve(), arguments.out.resolve(), arguments.fresh)
    runner.fit("curves", K_LIST, "--curve")
    runner.run("curves-pooled.h5", "tt-calibrate", ["retarget", runner.out / "curves.h5", "-k", K_LIST])
    tables = {"exact": "curves", "pooled": "curves-pooled"}
    for domain in "ab":
        for estimator, table in tables.items():
            runner.evaluate(f"curves-{estimator}-{domain}", f"heldout-{domain}", [POLICY], [table], K_LIST)

    print("| k | mean | mean of absolute values | largest |\n|---|---|---|---|")
    for k in K:
        found = deviations(runner.out / "curves.h5", runner.out / "curves-pooled.h5", k)
        print(f"| {k} | {found.mean():+.2f} | {abs(found).mean():.2f} | {abs(found).max():.2f} |")
    print("\n| k | exact, A | pooled, A | exact, B | pooled, B |\n|---|---|---|---|---|")
    for k in K:
        cells = []
        for domain in "ab":
            for estimator in tables:
                cells.append("{:.3f}, {:.3f}".format(*ratio(runner.out / f"curves-{estimator}-{domain}.json", k)))
        print(f"| {k} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
