"""Renews the tables of docs/results-real.md from the sweeps of real.py.

    python3 real_tables.py build/results-real docs/results-real.md
"""
import json
import math
import pathlib
import re
import sys

from results import measure, percent, value
from tables import kept, markdown, renew, v_rows

SHARES = (0.05, 0.10, 0.20)  # of the elements
OTHER_SHARE, OTHER_TILES = 1 / 12, 0.90
TILES = (0.85, 0.90, 0.96)  # of the tiles: below that, only windows go
PLACEMENTS = ("post-softmax", "running-softmax")
BUDGETS = {"uniform": "one k for all", "layer": "a k for each layer", "head": "a k for each head",
           "head-sensitivity": "a k for each head, by sensitivity"}
LAYERS_TO_BLAME = 6
NOT_YET = "Not measured in this run."
TITLES = {"topk": "top-k", "topp": "top-p", "window": "window and sinks", "quest": "Quest", "blasst": "BLASST", "dense": "dense"}


def table_of(policy):
    """The stem of its table's file: "budget-128-head"; empty without thresholds."""
    return pathlib.Path(policy.get("thresholds") or "").stem


def text_of(task):
    """The text's name in the plan: "code" of "code-2048"."""
    return task.rsplit("-", 1)[0]


def share_out(policy):
    """How its table shares elements out: "a k for each head"; empty if there is one k."""
    kind = re.fullmatch(r"\w+-\d+-(layer|head|head-sensitivity)(?:-rho)?", table_of(policy))
    return BUDGETS[kind[1]] if kind else ""


def family(policy):
    """The curve that a run belongs to: its policy without k and without its own options."""
    name = TITLES.get(policy["attention"], policy["attention"])
    if policy["attention"] == "theta":
        name = "top-θ, " + policy["placement"]
    parts = [name]
    if policy.get("sdc", "none") != "none":
        parts.append(f"{policy['sdc']} SDC")
    if policy.get("vmc"):
        parts.append("VMC")
    return " + ".join(parts) + (f", {share_out(policy)}" if share_out(policy) else "")


class Sweep:
    """All runs of some sweeps' cells, in their order."""

    def __init__(self, *folders):
        self.runs = []
        for folder in folders:
            if (folder / "sweep.json").exists():
                for path in sorted((folder / "cells").glob("*.json")):
                    self.runs += json.loads(path.read_text())["runs"]
        seen = set()  # sweeps of the same texts have a dense pass each: one is enough
        self.runs = [run for run in self.runs
                     if run["policy"]["attention"] != "dense" or not (run["task"]["name"] in seen or seen.add(run["task"]["name"]))]
        self.runs.sort(key=lambda run: (run["task"]["name"], family(run["policy"]), run["policy"].get("k") or 0,
                                        run["sparsity"]["kept_elements"]))

    def tasks(self):
        return list(dict.fromkeys(run["task"]["name"] for run in self.runs))

    def families(self):
        return list(dict.fromkeys(family(run["policy"]) for run in self.runs if run["policy"]["attention"] != "dense"))

    def of(self, task, name=None):
        return [run for run in self.runs if run["task"]["name"] == task and (name is None or family(run["policy"]) == name)]


def ratio(run):
    """Perplexity over dense with its 95% interval: "1.009 (1.006 to 1.012)"; the dense row has none."""
    paired = run.get("paired", {}).get("perplexity_ratio")
    if paired is None:
        return "-"
    if paired.get("low") is None:
        return f"{paired['value']:.4f}"
    return f"{paired['value']:.4f} ({paired['low']:.4f} to {paired['high']:.4f})"


def share(run, metric):
    return f"{100 * run['sparsity'][metric]:.1f}"


def setting(run):
    policy = run["policy"]
    own = [f"{key} = {policy[key]}" for key in ("k", "p", "window", "lambda") if policy.get(key) is not None]
    return (", ".join(own) or "-") + (" on average" if share_out(policy) else "")


def trade_off(sweep, task):
    rows = [[family(run["policy"]), setting(run), measure(run, "perplexity", 2), ratio(run),
             f"{value(run, 'kl'):.4f}" if "kl" in run["metrics"] else "-", kept(run), v_rows(run), share(run, "tiles")]
            for run in sweep.of(task)]
    return markdown(["policy", "setting", "perplexity", "over dense (95%)", "KL, nats", "elements %", "V rows %", "empty tiles %"],
                    rows)


def at_share(runs, of, wanted, what):
    """`what` (its logarithm) between the two runs around `of` = wanted, linear in the logarithm of `of`; "-" where the
    runs do not reach that far: nothing is extrapolated."""
    points = sorted((of(run), what(run)) for run in runs if of(run) > 0 and what(run) is not None and what(run) > 0)
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if x0 <= wanted <= x1 and x1 > x0:
            t = (math.log(wanted) - math.log(x0)) / (math.log(x1) - math.log(x0))
            return f"{math.exp(math.log(y0) + t * (math.log(y1) - math.log(y0))):.4f}"
    return "-"


def paired_ratio(run):
    return run.get("paired", {}).get("perplexity_ratio", {}).get("value")


def equal_budget(sweep, task, of, shares):
    rows = []
    for name in sweep.families():
        runs = sweep.of(task, name)
        found = [at_share(runs, of, wanted, what) for what in (paired_ratio, lambda run: value(run, "kl")) for wanted in shares]
        if any(cell != "-" for cell in found):
            rows.append([name, *found])
    titles = [f"{what}, {100 * wanted:.0f}%" for what in ("perplexity over dense", "KL") for wanted in shares]
    return markdown(["policy", *titles], rows)


def elements(run):
    return run["sparsity"]["kept_elements"]


def tiles_visited(run):
    return 1 - run["sparsity"]["tiles"]


def other_texts(sweep, texts, of, wanted):
    """All policies on several texts at one share of the elements or tiles."""
    rows = []
    for name in sweep.families():
        found = [at_share(sweep.of(text, name), of, wanted, what) for text in texts
                 for what in (paired_ratio, lambda run: value(run, "kl"))]
        if any(cell != "-" for cell in found):
            rows.append([name, *found])
    titles = [title for text in texts for title in (f"{text_of(text)}: perplexity over dense", "KL")]
    return markdown(["policy", *titles], rows)


def drift(folder, texts):
    """What audits and comparisons of tables say of a text, and what its own thresholds gain."""
    rows = []
    for text in texts:
        name = text_of(text)
        moved = folder / f"drift-{name}.json"
        heads = json.loads(moved.read_text()) if moved.exists() else None
        rows.append([name, *(audited(folder / f"audit-{table}-{name}.json") for table in ("scores", "weights")),
                     "-" if heads is None else f"{heads['recalibrate']} of {len(heads['rows'])}"])
    return markdown(["text", "audit, pre-softmax thresholds: eff. k / k (95%)", "the same, post-softmax", "drift: heads to recalibrate"], rows)


def audited(path):
    if not path.exists():
        return "-"
    ratio = json.loads(path.read_text())["targets"][0]["effective_k_ratio"]
    return f"{ratio['value']:.2f}" + (f" ({ratio['low']:.2f} to {ratio['high']:.2f})" if ratio.get("low") is not None else "")


def own(sweep):
    """A text's own thresholds beside those of the first text, from equally many documents."""
    rows = []
    for task in sweep.tasks():
        name = text_of(task)
        for run in sorted((run for run in sweep.of(task) if run["policy"]["attention"] == "theta"),
                          key=lambda run: (family(run["policy"]), table_of(run["policy"]) == f"own-{name}")):
            rows.append([name, family(run["policy"]), table_of(run["policy"]).removeprefix("own-"), ratio(run), f"{value(run, 'kl'):.4f}",
                         kept(run), f"{run['sparsity']['effective_k_ratio']:.2f}"])
    return markdown(["text", "policy", "thresholds from", "perplexity over dense (95%)", "KL, nats", "elements %", "eff. k / k"], rows)


def domains(sweep, by_head):
    rows = [[task, family(run["policy"]), setting(run), ratio(run), kept(run), f"{run['sparsity']['effective_k_ratio']:.2f}"]
            for task in sweep.tasks() for run in sweep.of(task) + by_head.of(task) if run["policy"]["attention"] == "theta"]
    return markdown(["text", "policy", "setting", "perplexity over dense (95%)", "elements %", "eff. k / k"], rows)


def first_layers(sweeps):
    rows = [[str(layers), family(run["policy"]), setting(run), ratio(run), kept(run)]
            for layers, sweep in sweeps.items() for run in sweep.runs if run["policy"]["attention"] == "theta"]
    return markdown(["dense layers", "policy", "setting", "perplexity over dense (95%)", "elements %"], rows)


def by_table(sweep, names):
    """A row for each table of thresholds, in the order of `names`: {stem of the table's file: what the row calls it}."""
    runs = [run for run in sweep.runs if run["policy"]["attention"] == "theta"]
    rows = [[name, family(run["policy"]).split(", a k")[0], setting(run), ratio(run), f"{value(run, 'kl'):.4f}", kept(run)]
            for stem, name in names.items() for run in runs if table_of(run["policy"]) == stem]
    return markdown(["thresholds", "policy", "setting", "perplexity over dense (95%)", "KL, nats", "elements %"], rows)


def documents(sweep, prefill, task):
    """Thresholds from a few documents; those of the main table are from all."""
    counts = sorted({int(table_of(run["policy"]).removeprefix("weights-from-"))
                     for run in sweep.runs if run["policy"]["attention"] == "theta"})
    k = {run["policy"]["k"] for run in sweep.runs}
    sweep.runs += [run for run in prefill.of(task) if run["policy"].get("k") in k and run["policy"].get("placement") in PLACEMENTS]
    return by_table(sweep, {**{f"weights-from-{count}": f"{count} document{'s' * (count > 1)}" for count in counts}, "weights": "all documents"})


def budgets(sweep):
    """The tables of one sum of elements below each other: "budget-128-head"."""
    stems = {table_of(run["policy"]) for run in sweep.runs if run["policy"]["attention"] == "theta"}
    sums = sorted({int(stem.split("-")[1]) for stem in stems})
    names = {}
    for k in sums:
        names |= {f"budget-{k}-{kind}": name for kind, name in BUDGETS.items()}
        names |= {f"{kind}-{k}-head-rho": BUDGETS["head"] for kind in ("scores", "budget")}
    return by_table(sweep, names)


def blame(path):
    """The layers that cost most by themselves."""
    if not path.exists():
        return NOT_YET
    measured = json.loads(path.read_text())
    layers = sorted(measured["rows"], key=lambda row: -row["nll_difference"])
    rows = [[str(row["layer"]), f"{row['nll_difference']:.5f} ± {row['stderr']:.5f}", f"{100 * row['share']:.0f}",
             f"{100 * row['kept_elements']:.1f}", f"{100 * row['lost_mass']:.1f}"] for row in layers[:LAYERS_TO_BLAME]]
    table = markdown(["layer", "its loss alone, nats", "share of all losses %", "elements %", "lost mass %"], rows)
    return f"{table}\n\nAll layers sparse together lose {measured['all']['nll_difference']:.5f} nats; the sum of what they lose alone is {measured['sum']:.5f}."


def pooled(runs):
    """The mean over tasks of a policy's accuracy and of its paired difference from dense; tasks count alike."""
    differences = [run["paired"]["acc"] for run in runs if "acc" in run.get("paired", {})]
    accuracy = f"{100 * sum(value(run, 'acc') for run in runs) / len(runs):.1f}"
    elements = f"{100 * sum(run['sparsity']['kept_elements'] for run in runs) / len(runs):.1f}"
    if not differences:
        return [accuracy, "-", "-", elements]
    mean = 100 * sum(one["value"] for one in differences) / len(differences)
    error = 100 * math.sqrt(sum((one.get("stderr") or 0) ** 2 for one in differences)) / len(differences)
    return [accuracy, f"{mean:+.1f} ± {error:.1f}", "-", elements]


def questions(sweep):
    rows = []
    policies = dict.fromkeys((family(run["policy"]), setting(run)) for run in sweep.runs)
    for name, knob in policies:
        runs = [run for run in sweep.runs if (family(run["policy"]), setting(run)) == (name, knob)]
        rows.append([f"mean of {len(runs)}", name, knob, *pooled(runs)])
    for task in sweep.tasks():
        for run in sweep.of(task):
            difference = run.get("paired", {}).get("acc")
            rows.append([task, family(run["policy"]), setting(run), percent(run, "acc"),
                         "-" if difference is None else f"{100 * difference['value']:+.1f} ± {100 * (difference.get('stderr') or 0):.1f}",
                         "-" if difference is None or "p" not in difference else f"{difference['p']:.2f}", kept(run)])
    return markdown(["task", "policy", "setting", "accuracy %", "less dense, points", "McNemar p", "elements %"], rows)


def headline(sweeps):
    """For each kind of top-theta: the fewest elements whose interval of the perplexity ratio ends below 1.01."""
    rows, done = [], set()
    for title, sweep in sweeps:
        for task in sweep.tasks():
            for name in sweep.families():
                if not name.startswith("top-θ") or (title, task, name) in done:
                    continue
                done.add((title, task, name))
                runs = sorted(sweep.of(task, name), key=elements)
                value_only = next((run for run in runs if (paired_ratio(run) or 9) <= 1.01), None)
                certain = next((run for run in runs
                                if (run.get("paired", {}).get("perplexity_ratio", {}).get("high") or 9) <= 1.01), None)
                read = lambda run: f", V rows {v_rows(run)}" if title == "decode" else ""  # a prefill reads nearly all
                describe = lambda run: "-" if run is None else f"{setting(run)}: {kept(run)}{read(run)}"
                rows.append([title, task, name, describe(value_only), describe(certain)])
    return markdown(["stage", "text", "policy", "fewest elements within 1%", "the same with 95% confidence"], rows)


def main():
    folder = pathlib.Path(sys.argv[1])
    prefill = Sweep(folder / "prefill", folder / "others")
    short, asked = (Sweep(folder / name) for name in ("short", "questions"))
    decode, long, solved = (Sweep(folder / name, folder / f"{name}-by-head") for name in ("decode", "long", "few-shot"))
    counts, budget = Sweep(folder / "calibration"), Sweep(*folder.glob("budget-*/"))
    layers = {count: Sweep(folder / f"first-layers-{count}") for count in (1, 2)}
    by_head = Sweep(folder / "others-by-head")
    owned = Sweep(*sorted(folder.glob("own-*/")))
    first = prefill.tasks()[0] if not any(t.startswith("wikitext") for t in prefill.tasks()) else next(
        t for t in prefill.tasks() if t.startswith("wikitext"))
    others = [task for task in prefill.tasks() if task != first]
    renew(sys.argv[2], {
        "headline": lambda: headline([("short prefill", short), ("prefill", prefill), ("prefill", budget), ("prefill", by_head), ("decode", decode), ("long prefill", long)]),
        "trade-off": lambda: trade_off(prefill, first),
        "equal-elements": lambda: equal_budget(prefill, first, elements, SHARES),
        "equal-tiles": lambda: equal_budget(prefill, first, tiles_visited, TILES),
        "other-elements": lambda: other_texts(prefill, others, elements, OTHER_SHARE) if others else NOT_YET,
        "other-tiles": lambda: other_texts(prefill, others, tiles_visited, OTHER_TILES) if others else NOT_YET,
        "drift": lambda: drift(folder, prefill.tasks()) if list(folder.glob("audit-*.json")) else NOT_YET,
        "own": lambda: own(owned) if owned.runs else NOT_YET,
        "domains": lambda: domains(prefill, by_head),
        "first-layers": lambda: first_layers(layers) if any(one.runs for one in layers.values()) else NOT_YET,
        "short": lambda: "\n\n".join(trade_off(short, task) for task in short.tasks()) or NOT_YET,
        "calibration": lambda: documents(counts, prefill, first) if counts.runs else NOT_YET,
        "budget": lambda: budgets(budget) if budget.runs else NOT_YET,
        "blame": lambda: blame(folder / "sensitivity.json"),
        "decode": lambda: "\n\n".join(trade_off(decode, task) for task in decode.tasks()) or NOT_YET,
        "questions": lambda: questions(asked) if asked.runs else NOT_YET,
        "few-shot": lambda: questions(solved) if solved.runs else NOT_YET,
        "long": lambda: "\n\n".join(trade_off(long, task) for task in long.tasks()) or NOT_YET,
    })


if __name__ == "__main__":
    main()
