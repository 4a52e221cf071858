"""Medians of Google Benchmark's JSON files as one Markdown table each. Usage: to_markdown.py FILE.json..."""
import json
import sys

for path in sys.argv[1:]:
    with open(path) as file:
        report = json.load(file)
    context = report["context"]
    rows = [b for b in report["benchmarks"] if b.get("aggregate_name") == "median"]
    spreads = {b["run_name"]: b for b in report["benchmarks"] if b.get("aggregate_name") == "cv"}
    counters = sorted({k for b in rows for k in b if "/s" in k or k == "bytes_per_second"})
    print(f"## {context['executable'].rsplit('/', 1)[-1]}\n")
    print(f"{context.get('cpu', '').replace('_', ' ')}, {context['num_cpus']} processors, commit {context.get('commit')}, "
          f"{context['date']}: `{context.get('command', '').replace('_', ' ')}`\n")
    print("| | time (ns) | spread (%) |" + "".join(f" {c} |" for c in counters))
    print("|---|---|---|" + "---|" * len(counters))
    for b in rows:
        spread = spreads.get(b["run_name"], {}).get("real_time")
        cells = [f"{b['real_time']:.0f}", "" if spread is None else f"{100 * spread:.1f}"]
        cells += [f"{b[c]:.4g}" if c in b else "" for c in counters]
        print(f"| {b['run_name']} | " + " | ".join(cells) + " |")
    print()
