"""Draws data/training/loss.png from log.csv: loss on answers, and held-out exact answers, against tokens seen.

    /usr/bin/python3 plot.py ../../data/training/log.csv ../../data/training/loss.png
"""
import csv
import re
import sys

import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main():
    with open(sys.argv[1]) as f:
        rows = list(csv.DictReader(f))
    tokens = [int(r["tokens"]) / 1e6 for r in rows]
    fig, (top, low) = plt.subplots(2, 1, figsize=(8, 7), sharex=True)
    top.semilogy(tokens, [float(r["answer_loss"]) for r in rows], color="tab:blue")
    top.set_ylabel("loss on answer tokens (nats)")
    for domain, colour in (("A", "tab:green"), ("B", "tab:orange")):
        seen = [(t, re.search(domain + r" ([\d.]+)", r["eval"])) for t, r in zip(tokens, rows)]
        seen = [(t, float(m.group(1))) for t, m in seen if m]
        low.plot(*zip(*seen), marker="o", color=colour, label="domain " + domain)
    low.set_ylabel("held-out answers, exact (%)")
    low.set_xlabel("training tokens (millions)")
    low.set_ylim(0, 103)
    low.legend(loc="lower right")
    last = None
    for t, r in zip(tokens, rows):
        if r["length"] != last:
            for axis in (top, low):
                axis.axvline(t, color="0.8", zorder=0)
            top.text(t, top.get_ylim()[1], " " + r["length"], fontsize=8, va="top")
            last = r["length"]
    top.set_title("Training; grey lines: where the length of the documents changes")
    fig.tight_layout()
    fig.savefig(sys.argv[2], dpi=110)


if __name__ == "__main__":
    main()
