"""Compares all policies at equal kept elements, at equal empty tiles, and at equal V rows.

    python3 rivals.py --programs build/release/apps --out build/rivals [--model FILE --text FILE --characters N]

Every policy is run at several settings. Between two settings, the logarithm of perplexity, and KL divergence, are interpolated
linearly over the logarithm of the quantity that is held equal. If the settings of a policy do not reach a value, the cell is a
dash.
Prints Markdown tables, or renews those between markers in the file that --renew names.
"""
import argparse
import json
import math
import pathlib
import re
import sys

from experiments import DATA, Runner

FRACTIONS = (0.025, 0.05, 0.1, 0.2, 0.4)
BARE, COMPENSATED = "none", "exact SDC + VMC"
# Values of the option that decides how much a policy keeps, if it is not a number of keys.
SHARES = {"topp": ("p", (0.02, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)),
          "blasst": ("lambda", (0.001, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)),
          "xattention": ("tau", (0.05, 0.2, 0.4, 0.6, 0.8, 0.95))}


def keys_for(fraction, length):
    """The k with which top-k keeps this fraction of a causal prefill: n k - k^2 / 2 = f n^2 / 2."""
    return max(1, round(length * (1 - math.sqrt(1 - fraction))))


def settings(policy, flags):
    """The policy's settings, as --attention takes them, without compensation."""
    tile = flags.tile
    ks = [keys_for(fraction, flags.length) for fraction in flags.fractions]
    if policy in ("topk", "theta", "random"):
        return [f"{policy}:k={k}" for k in ks]
    if policy == "window":
        return [f"window:sinks=4,window={max(1, k - 4)}" for k in ks]
    if policy == "h2o":
        return [f"h2o:budget={max(2, k)}" for k in ks]
    if policy == "quest":
        return [f"quest:k={k}" for k in sorted({max(16, 16 * round(k / 16)) for k in ks})]
    option, values = SHARES[policy]
    values = values[::2] if flags.coarse else values
    more = {"blasst": f",tile={tile}", "xattention": f",block={tile}", "topp": ""}[policy]
    return [f"{policy}:{option}={value}{more}" for value in values]


POLICIES = ("topk", "theta", "topp", "window", "h2o", "quest", "blasst", "xattention", "random")
NAMES = {"topk": "top-k", "theta": "top-θ", "topp": "top-p", "window": "window + 4 sinks", "h2o": "H2O", "quest": "Quest",
         "blasst": "BLASST", "xattention": "XAttention", "random": "random-k"}


def calibrate(runner, flags):
    ks = ",".join(str(keys_for(fraction, flags.length)) for fraction in flags.fractions)
    texts = sorted((DATA / "calib-a").glob("*.txt")) if flags.calibrate is None else [flags.calibrate]
    tac = [] if flags.characters else ["--tac"]
    runner.run("theta.h5", "tt-calibrate", ["fit", "--model", flags.model, "--text", *texts, "-k", ks, *tac, *flags.more])


def evaluate(runner, flags, policy, phase):
    name = f"{phase}-{policy}.json"
    policies = ["dense"]
    for setting in settings(policy, flags):
        policies.append(setting)
        if policy in flags.compensated:
            policies.append(setting + ",sdc=exact,vmc")
    arguments = ["run", "--model", flags.model, "--task", flags.text, "--attention", *policies, "--phase", phase,
                 "--tile", f"{flags.tile}x{flags.tile}", "--limit", flags.limit if phase == "prefill" else flags.decoded,
                 *flags.more]
    if policy == "theta":
        arguments += ["--thresholds", runner.out / "theta.h5"]
    runner.run(name, "tt-eval", arguments)
    return json.loads((runner.out / name).read_text())["runs"]


def compensation(run):
    return COMPENSATED if run["policy"]["vmc"] else BARE


def interpolated(points, at):
    """`points`: (what is equal, value) pairs; the value at `at`, or nothing outside of them."""
    points = sorted(points)
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if x0 <= at <= x1:
            if x1 == x0:
                return (y0 + y1) / 2
            share = (math.log(at) - math.log(x0)) / (math.log(x1) - math.log(x0))
            return y0 + share * (y1 - y0)
    return None


def cells(runs, figure, targets):
    """Perplexity and KL at each target, of runs of one policy with one compensation."""
    row = []
    for target in targets:
        both = []
        for metric in ("nll", "kl"):
            points = [(figure(run), run["metrics"][metric]["value"]) for run in runs if figure(run) > 0]
            both.append(interpolated(points, target))
        row += [f"{math.exp(both[0]):.3f}" if both[0] is not None and both[0] < 20 else "-",
                f"{both[1]:.4f}" if both[1] is not None else "-"]
    return row


def table(results, title, figure, targets):
    titles = ["policy", "compensation"]
    for target in targets:
        titles += [f"{title} {100 * target:g}%: perplexity", "KL"]
    lines = ["| " + " | ".join(titles) + " |", "|---|---|" + "---:|" * (len(titles) - 2)]
    dense = results[POLICIES[0]][0]
    lines.append(f"| dense | | {dense['metrics']['perplexity']['value']:.3f} | 0 |" + " |" * (len(titles) - 4))
    for policy in POLICIES:
        for kind in (BARE, COMPENSATED):
            runs = [run for run in results[policy][1:] if compensation(run) == kind]
            if not runs:
                continue
            lines.append("| " + " | ".join([NAMES[policy], kind, *cells(runs, figure, targets)]) + " |")
    return "\n".join(lines)


def renew(path, tables):
    text = path.read_text()
    for name, new in tables.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, count = pattern.subn(lambda found, new=new: found[1] + new + "\n" + found[2], text)
        if count != 1:
            sys.exit(f"rivals: {path} has no place for {name}")
    path.write_text(text)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, default=DATA / "model")
    parser.add_argument("--text", type=pathlib.Path, default=DATA / "heldout-a", help="a text, or a folder of them")
    parser.add_argument("--characters", type=int, default=0, help="only the first so many of --text; what follows calibrates")
    parser.add_argument("--calibrated", type=int, default=4, help="with --characters: calibrate from so many times as many")
    parser.add_argument("--fractions", type=float, nargs="+", default=FRACTIONS, help="of elements, for policies that take a k")
    parser.add_argument("--length", type=int, default=1024, help="tokens of a window")
    parser.add_argument("--limit", type=int, default=4, help="documents in prefill")
    parser.add_argument("--decoded", type=int, default=1, help="documents in decode; 0: no decode")
    parser.add_argument("--tile", type=int, default=32)
    parser.add_argument("--coarse", action="store_true", help="half as many settings of policies without a k")
    parser.add_argument("--compensated", nargs="*", default=POLICIES, help="policies that are run with compensation too")
    parser.add_argument("--renew", type=pathlib.Path)
    parser.add_argument("--marker", default="rivals", help="what the markers' names begin with")
    parser.add_argument("--more", nargs="*", default=[], help="further flags of both programs")
    flags = parser.parse_args()
    flags.more = [part for flag in flags.more for part in flag.split()]
    flags.calibrate = None
    return flags


def cut(flags):
    """Two files of --text: what is evaluated, and what comes after it, to calibrate from."""
    text = flags.text.read_text(encoding="utf-8")
    evaluated, flags.calibrate = flags.out / "evaluated.txt", flags.out / "calibration.txt"
    evaluated.write_text(text[:flags.characters], encoding="utf-8")
    flags.calibrate.write_text(text[flags.characters:(1 + flags.calibrated) * flags.characters], encoding="utf-8")
    flags.text = evaluated


def main():
    flags = parse()
    flags.out = flags.out.resolve()
    runner = Runner(flags.programs.resolve(), flags.out, fresh=False)
    if flags.characters:
        cut(flags)
    calibrate(runner, flags)
    prefill = {policy: evaluate(runner, flags, policy, "prefill") for policy in POLICIES}
    tables = {"elements": table(prefill, "elements", lambda run: run["sparsity"]["kept_elements"], (0.05, 0.1, 0.2)),
              "tiles": table(prefill, "tiles read", lambda run: 1 - run["sparsity"]["tiles"], (0.25, 0.5, 0.75))}
    if flags.decoded:
        decode = {policy: evaluate(runner, flags, policy, "decode") for policy in POLICIES}
        tables["v-rows"] = table(decode, "V rows", lambda run: run["sparsity"]["v_rows"], (0.05, 0.1, 0.2))
    tables = {f"{flags.marker}-{name}": text for name, text in tables.items()}
    if flags.renew:
        renew(flags.renew, tables)
    else:
        for name, text in tables.items():
            print(f"<!-- {name} -->\n{text}\n<!-- /{name} -->\n")


if __name__ == "__main__":
    main()
