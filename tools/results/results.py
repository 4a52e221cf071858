"""Reads the JSON reports of experiments.py; a run is one policy on one task."""
import json
import pathlib


class Results:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.cache = {}

    def runs(self, name):
        if name not in self.cache:
            self.cache[name] = json.loads((self.folder / (name + ".json")).read_text())["runs"]
        return self.cache[name]

    def run(self, name, attention, k=None, **policy):
        """The only run of a report under this policy; sdc and vmc are off unless asked for."""
        if attention != "dense":
            policy = {"sdc": "none", "vmc": False, **policy, **({"k": k} if k else {})}
        found = [run for run in self.runs(name)
                 if run["policy"]["attention"] == attention
                 and all(run["policy"].get(key) == value for key, value in policy.items())]
        if len(found) != 1:
            raise KeyError(f"{name}: {len(found)} runs of {attention} {policy}, expected one")
        return found[0]

    def ks(self, name, attention="theta"):
        return sorted({run["policy"]["k"] for run in self.runs(name) if run["policy"]["attention"] == attention})


COMPENSATED = {"sdc": "exact", "vmc": True}
AFTER = {"placement": "post-softmax", "vmc": True}


def value(run, metric):
    return run["metrics"][metric]["value"]


def error(run, metric):
    return run["metrics"][metric].get("stderr") or 0.0


def measure(run, metric, decimals=3, factor=1):
    """"2.454 ± 0.018"."""
    return f"{factor * value(run, metric):.{decimals}f} ± {factor * error(run, metric):.{decimals}f}"


def percent(run, metric):
    return measure(run, metric, 1, 100)


def fewer(fraction):
    return f"{1 / fraction:.1f}x"
