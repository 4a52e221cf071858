"""Renews the tables of docs/results.md, between <!-- NAME --> and <!-- /NAME -->.

    python3 tables.py build/results docs/results.md
"""
import re
import sys

from results import AFTER, COMPENSATED, Results, fewer, measure, percent


def markdown(titles, rows):
    lines = ["| " + " | ".join(titles) + " |", "|---" + "|---:" * (len(titles) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def kept(run):
    fraction = run["sparsity"]["kept_elements"]
    return f"{100 * fraction:.2f} ({fewer(fraction)})"


def v_rows(run):
    fraction = run["sparsity"]["v_rows"]
    return f"{100 * fraction:.2f} ({fewer(fraction)})"


def ratio(run):
    return f"{run['sparsity']['effective_k_ratio']:.2f}"


def headline(results):
    rows = []
    policies = [("dense", "dense", None, {})]
    for k in (16, 8):
        policies += [(f"top-θ, k = {k}, no compensation", "theta", k, {}),
                     (f"top-θ, k = {k}, exact SDC + VMC", "theta", k, COMPENSATED)]
    for name, attention, k, policy in policies:
        text = results.run("headline-text-a", attention, k, **policy)
        choice = results.run("headline-choice-a", attention, k, **policy)
        needle = results.run("headline-needle-a", attention, k, **policy)
        text_b = results.run("headline-text-b", attention, k, **policy)
        choice_b = results.run("headline-choice-b", attention, k, **policy)
        rows.append([name, percent(choice, "acc"), percent(needle, "exact_match"), measure(text, "perplexity"), kept(text),
                     v_rows(needle), percent(choice_b, "acc"), measure(text_b, "perplexity"), kept(text_b)])
    return markdown(["policy", "A: choice %", "A: needle %", "A: perplexity", "A: elements %, prefill", "A: V rows %, decode",
                     "B: choice %", "B: perplexity", "B: elements %, prefill"], rows)


def compensations(results):
    rows = []
    for sdc in ("none", "offline", "exp-threshold", "exact"):
        for vmc in (False, True):
            policy = {"sdc": sdc, "vmc": vmc, "placement": "pre-softmax"}
            runs = [results.run(name, "theta", 16, **policy) for name in ("sdc-text-a", "sdc-needle-a", "sdc-text-b")]
            rows.append(["pre-softmax", sdc, "yes" if vmc else "no", measure(runs[0], "perplexity"),
                         percent(runs[1], "exact_match"), measure(runs[2], "perplexity"), kept(runs[0])])
    for vmc in (False, True):
        policy = {"vmc": vmc, "placement": "post-softmax"}
        names = ("sdc-weights-text-a", "sdc-weights-needle-a", "sdc-weights-text-b")
        runs = [results.run(name, "theta", 16, **policy) for name in names]
        rows.append(["post-softmax", "-", "yes" if vmc else "no", measure(runs[0], "perplexity"),
                     percent(runs[1], "exact_match"), measure(runs[2], "perplexity"), kept(runs[0])])
    return markdown(["placement", "SDC", "VMC", "A: perplexity", "A: needle %", "B: perplexity", "A: elements %"], rows)


def trade_off(results, domain):
    text, weights = f"sweep-text-{domain}", f"sweep-weights-text-{domain}"
    rows = []
    for k in results.ks(text):
        topk = [results.run(text, "topk", k), results.run(text, "topk", k, **COMPENSATED)]
        theta = [results.run(text, "theta", k), results.run(text, "theta", k, **COMPENSATED)]
        after = results.run(weights, "theta", k, **AFTER)
        rows.append([k, *(measure(run, "perplexity") for run in topk), kept(topk[0]),
                     *(measure(run, "perplexity") for run in theta), kept(theta[1]), ratio(theta[1]),
                     measure(after, "perplexity"), kept(after)])
    return markdown(["k", "top-k", "top-k, SDC + VMC", "elements %", "top-θ", "top-θ, SDC + VMC", "elements %", "eff. k / k",
                     "top-θ on weights, VMC", "elements %"], rows)


def answers(results):
    rows = []
    for k in results.ks("sweep-needle-a"):
        runs = [results.run("sweep-needle-a", attention, k, **policy)
                for attention in ("topk", "theta") for policy in ({}, COMPENSATED)]
        choices = [results.run(f"sweep-choice-{domain}", "theta", k, **policy)
                   for domain in "ab" for policy in ({}, COMPENSATED)]
        rows.append([k, *(percent(run, "exact_match") for run in runs), v_rows(runs[3]),
                     *(percent(run, "acc") for run in choices)])
    return markdown(["k", "needle: top-k", "top-k, SDC + VMC", "top-θ", "top-θ, SDC + VMC", "V rows %, decode", "choice A: top-θ",
                     "top-θ, SDC + VMC", "choice B: top-θ", "top-θ, SDC + VMC"], rows)


def decode(results):
    rows = []
    for domain in "ab":
        name = f"sweep-decode-{domain}"
        for k in results.ks(name):
            bare, repaired = results.run(name, "theta", k), results.run(name, "theta", k, **COMPENSATED)
            topk = results.run(name, "topk", k, **COMPENSATED)
            rows.append([domain.upper(), k, measure(bare, "perplexity"), measure(topk, "perplexity"),
                         measure(repaired, "perplexity"), kept(repaired), v_rows(topk), v_rows(repaired)])
    return markdown(["domain", "k", "top-θ", "top-k, SDC + VMC", "top-θ, SDC + VMC", "elements %", "V rows %, top-k",
                     "V rows %, top-θ"], rows)


def tac(results):
    rows = []
    for domain in "ab":
        on, off = f"sweep-text-{domain}", f"tac-off-text-{domain}"
        for k in results.ks(off):
            pairs = [results.run(name, "theta", k, **policy) for policy in ({}, COMPENSATED) for name in (on, off)]
            rows.append([domain.upper(), k, *(measure(run, "perplexity") for run in pairs), *(kept(run) for run in pairs[2:]),
                         *(ratio(run) for run in pairs[2:])])
    return markdown(["domain", "k", "no compensation: TAC", "without", "SDC + VMC: TAC", "without", "elements %: TAC", "without",
                     "eff. k / k: TAC", "without"], rows)


def sigma(results):
    rows = []
    for domain in "ab":
        names = {0.0: f"sweep-text-{domain}", **{float(s): f"sigma-{s}-text-{domain}" for s in ("0.1", "0.5")}}
        for k in (8, 16, 32):
            for s, name in names.items():
                bare, repaired = results.run(name, "theta", k), results.run(name, "theta", k, **COMPENSATED)
                rows.append([domain.upper(), k, s, measure(bare, "perplexity"), measure(repaired, "perplexity"), kept(repaired),
                             ratio(repaired)])
    return markdown(["domain", "k", "add_sigma", "no compensation", "SDC + VMC", "elements %", "eff. k / k"], rows)


def texts(results):
    rows = []
    for n in (1, 2, 4, 8, 16, 32, 64):
        row = [n]
        for domain in "ab":
            name = f"texts-{n}-text-{domain}" if n < 64 else f"sweep-text-{domain}"
            bare, repaired = results.run(name, "theta", 16), results.run(name, "theta", 16, **COMPENSATED)
            row += [measure(bare, "perplexity"), measure(repaired, "perplexity"), kept(repaired), ratio(repaired)]
        rows.append(row)
    return markdown(["documents", "A: no compensation", "SDC + VMC", "elements %", "eff. k / k", "B: no compensation",
                     "SDC + VMC", "elements %", "eff. k / k"], rows)


def layers(results):
    rows = []
    for k in results.ks("first-two-dense-text-a"):
        row = [k]
        for name in ("sweep", "first-two-dense"):
            bare, repaired = results.run(f"{name}-text-a", "theta", k), results.run(f"{name}-text-a", "theta", k, **COMPENSATED)
            needle = results.run(f"{name}-needle-a", "theta", k)
            row += [measure(bare, "perplexity"), percent(needle, "exact_match"), measure(repaired, "perplexity"), kept(repaired)]
        rows.append(row)
    return markdown(["k", "all sparse: no compensation", "needle %", "SDC + VMC", "elements %",
                     "first two dense: no compensation", "needle %", "SDC + VMC", "elements %"], rows)


def dense(results):
    rows = []
    for domain in "ab":
        text, choice = (results.run(f"headline-{kind}-{domain}", "dense") for kind in ("text", "choice"))
        needle = percent(results.run("headline-needle-a", "dense"), "exact_match") if domain == "a" else "-"
        rows.append([domain.upper(), measure(text, "perplexity"), measure(text, "nll", 4), percent(choice, "acc"),
                     measure(choice, "answer_nll", 4), needle])
    return markdown(["domain", "perplexity", "nll", "choice %", "answer nll", "needle %"], rows)


def renew(path, blocks):
    """Writes each block's table between its markers in the page."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    for name, make in blocks.items():
        pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
        if not pattern.search(page):
            sys.exit(f"results: {path} has no place for '{name}'")
        table = make()
        page = pattern.sub(lambda match: match[1] + table + "\n" + match[2], page)
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)


def main():
    results = Results(sys.argv[1])
    blocks = {"dense": dense, "headline": headline, "compensations": compensations, "trade-off-a": lambda r: trade_off(r, "a"),
              "trade-off-b": lambda r: trade_off(r, "b"), "answers": answers, "decode": decode, "tac": tac, "sigma": sigma,
              "texts": texts, "layers": layers}
    renew(sys.argv[2], {name: lambda make=make: make(results) for name, make in blocks.items()})


if __name__ == "__main__":
    main()
