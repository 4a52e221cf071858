"""Medians of Google Benchmark's JSON files as one Markdown table each. Usage: to_markdown.py FILE.json..."""
import json
import sys

# What the library writes of every case; the rest are counters of ours.
STANDARD = {"name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions", "repetition_index",
            "threads", "aggregate_name", "aggregate_unit", "iterations", "real_time", "cpu_time", "time_unit", "label"}

for path in sys.argv[1:]:
    with open(path) as file:
        report = json.load(file)
    context = report["context"]
    rows = [b for b in report["benchmarks"] if b.get("aggregate_name") == "median"]
    spreads = {b["run_name"]: b for b in report["benchmarks"] if b.get("aggregate_name") == "cv"}
    counters = sorted({k for b in rows for k in b} - STANDARD)
    print(f"## {context['executable'].rsplit('/', 1)[-1]}\n")
    print(f"{context.get('cpu', '')}, {context['num_cpus']} processors, commit {context.get('commit')}, "
          f"{context['date']}: `{context.get('command', '')}`\n")
    print("| | time | spread (%) |" + "".join(f" {c} |" for c in counters))
    print("|---|---|---|" + "---|" * len(counters))
    for b in rows:
        spread = spreads.get(b["run_name"], {}).get("real_time")
        cells = [f"{b['real_time']:.4g} {b['time_unit']}", "" if spread is None else f"{100 * spread:.1f}"]
        cells += [f"{b[c]:.4g}" if c in b else "" for c in counters]
        print(f"| {b['run_name']} | " + " | ".join(cells) + " |")
    print()
