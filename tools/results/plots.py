"""Draws the trade-off: perplexity against attention elements, and against V rows.

    python3 plots.py build/results docs/results
"""
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from results import AFTER, COMPENSATED, Results, error, value

# Colours that also differ in lightness, markers that differ without colour.
LINES = [("top-k", "topk", {}, "#999999", "s", ":"), ("top-k, SDC + VMC", "topk", COMPENSATED, "#555555", "s", "-"),
         ("top-θ", "theta", {}, "#d1495b", "o", ":"), ("top-θ, SDC + VMC", "theta", COMPENSATED, "#00798c", "o", "-")]


def draw_line(axes, runs, sparsity, label, color, marker, style):
    axes.errorbar([100 * run["sparsity"][sparsity] for run in runs], [value(run, "perplexity") for run in runs],
                  yerr=[error(run, "perplexity") for run in runs], label=label, color=color, marker=marker, linestyle=style,
                  markersize=4, linewidth=1.4, capsize=2)


def finish(axes, title, x_title, dense):
    axes.axhline(value(dense, "perplexity"), color="black", linewidth=0.8, label="dense")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x_title, fontsize=9)
    axes.xaxis.set_major_formatter("{x:g}")
    ticks = [2.2, 2.5, 3, 4, 6, 10, 20]
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.grid(True, linewidth=0.3)


def prefill(results, target):
    figure, panels = plt.subplots(1, 2, figsize=(9.5, 4), sharey=True)
    for axes, domain in zip(panels, "ab"):
        name = f"sweep-text-{domain}"
        for label, attention, policy, color, marker, style in LINES:
            runs = [results.run(name, attention, k, **policy) for k in results.ks(name)]
            draw_line(axes, runs, "kept_elements", label, color, marker, style)
        weights = f"sweep-weights-text-{domain}"
        runs = [results.run(weights, "theta", k, **AFTER) for k in results.ks(weights)]
        draw_line(axes, runs, "kept_elements", "top-θ on weights, VMC", "#edae49", "^", "-")
        finish(axes, f"domain {domain.upper()}" + (", calibrated on" if domain == "a" else ", never calibrated on"),
               "attention elements kept in prefill, %", results.run(name, "dense"))
    panels[0].set_ylabel("perplexity of held-out texts", fontsize=9)
    panels[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(target)


def decode(results, target):
    figure, panels = plt.subplots(1, 2, figsize=(9.5, 4), sharey=True)
    for axes, domain in zip(panels, "ab"):
        name = f"sweep-decode-{domain}"
        for label, attention, policy, color, marker, style in LINES[1:]:
            runs = [results.run(name, attention, k, **policy) for k in results.ks(name)]
            draw_line(axes, runs, "v_rows", label, color, marker, style)
        finish(axes, f"domain {domain.upper()}", "V rows read per decode step, %", results.run(name, "dense"))
    panels[0].set_ylabel("perplexity of 8 held-out texts", fontsize=9)
    panels[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(target)


def main():
    # The same results draw the same bytes.
    plt.rcParams.update({"svg.hashsalt": "toptheta", "svg.fonttype": "path"})
    results, folder = Results(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in (("prefill", prefill), ("decode", decode)):
        figure = folder / f"{name}.svg"
        draw(results, figure)
        text = figure.read_text()
        begin = text.find("<dc:date>")
        if begin >= 0:
            figure.write_text(text[:begin] + text[text.find("</dc:date>") + len("</dc:date>"):])


if __name__ == "__main__":
    main()
