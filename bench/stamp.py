#!/usr/bin/env python3
"""Writes what a run was into the context of its Google Benchmark JSON. Usage: stamp.py FILE.json KEY=VALUE..."""
import json
import pathlib
import sys

path = pathlib.Path(sys.argv[1])
report = json.loads(path.read_text())
report["context"] |= dict(pair.split("=", 1) for pair in sys.argv[2:])
path.write_text(json.dumps(report, indent=1) + "\n")
