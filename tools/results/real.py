"""Measures the figures of docs/results-real.md: a real model, calibrated on one text and evaluated on others.

    python3 real.py MODEL DATA --out build/results-real [--size NAME | --quick] [--plan FILE.toml] [--programs build/release/apps]

Thresholds are fitted on documents of one text; then sweeps run every policy on documents of several texts, on
questions, token by token, and at a long context. An interrupted run continues where it stopped: a table that was
written is kept, and sweeps are resumed. Nothing of the model or the data leaves the folder of --out.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time
import tomllib

from experiments import ROOT

STAGES = ("prefill", "short", "first-layers", "calibration", "drift", "budget", "decode", "questions", "few-shot", "long")
CHARACTERS = 40_000  # of a text, to find how many of them make a token


def say(text):
    print(text, file=sys.stderr, flush=True)


def toml_list(values):
    return json.dumps([str(v) if isinstance(v, pathlib.Path) else v for v in values])


class Study:
    def __init__(self, flags):
        with open(flags.plan, "rb") as file:
            self.plan = tomllib.load(file)
        if flags.size not in self.plan["size"]:
            sys.exit(f"results-real: {flags.plan} has no size '{flags.size}'; it has {', '.join(self.plan['size'])}")
        self.size = self.plan["size"][flags.size]
        self.model, self.data = flags.model.resolve(), flags.data.resolve()
        self.programs, self.out = flags.programs.resolve(), flags.out.resolve()
        self.seconds = {}
        self.out.mkdir(parents=True, exist_ok=True)

    def run(self, program, *arguments):
        binary = self.programs / program.replace("-", "_") / program
        return subprocess.run([binary, *map(str, arguments)], check=False, stdout=subprocess.PIPE, text=True)

    def file(self, name):
        """A file of the data; None, and said so, where it is not there."""
        path = self.data / name
        if path.exists():
            return path
        say(f"results-real: no {path}: left out")
        return None

    # ---- texts, cut into documents of one context length

    def characters_per_token(self, text):
        sample = self.out / "sample.txt"
        sample.write_text(text[:CHARACTERS])
        result = self.run("tt-eval", "tokenize", "--model", self.model, "--text", sample, "--format", "json", "-q")
        sample.unlink()
        if result.returncode != 0:
            sys.exit("results-real: the model's tokenizer does not read the text")
        return min(len(text), CHARACTERS) / len(json.loads(result.stdout)["ids"])

    def documents(self, name, source, begin, count, tokens):
        """A folder of `count` documents of about `tokens` tokens (95% of them, so that few overflow), each beginning at a
        line; None where the file is missing or too short."""
        path = self.file(source)
        if path is None:
            return None
        text = path.read_text(encoding="utf-8")
        folder = self.out / "texts" / str(count) / f"{name}-{tokens}"  # stages ask for different numbers of one text
        if folder.is_dir() and len(list(folder.glob("*.txt"))) == count:
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        at = int(begin * len(text))
        length = int(0.95 * tokens * self.characters_per_token(text[at:]))
        for i in range(count):
            at = text.find("\n", at) + 1
            if at == 0 or at + length > len(text):
                say(f"results-real: {path} is too short for {count} documents of {tokens} tokens: left out")
                return None
            (folder / f"{i:02}.txt").write_text(text[at:at + length])
            at += length
        return folder

    def texts(self, count, tokens, names=None):
        found = [self.documents(t["name"], t["file"], t["from"], count, tokens)
                 for t in self.plan["text"] if names is None or t["name"] in names]
        return [folder for folder in found if folder is not None]

    # ---- thresholds

    def made(self, program, file, *arguments):
        """A file that a program writes with -o; kept if the same command made it before."""
        target = self.out / file
        record = target.with_suffix(".command")
        command = " ".join(map(str, arguments))
        if target.exists() and record.exists() and record.read_text() == command:
            return target
        began = time.time()
        if self.run(program, *arguments, "-q", "-o", target).returncode != 0:
            sys.exit(f"results-real: {program} failed: {command}")
        record.write_text(command)
        say(f"{file}: {time.time() - began:.0f} s")
        return target

    def calibration_texts(self, documents, context):
        source = self.plan["calibration"]
        folder = self.documents("calibration", source["file"], source["from"], documents, context)
        if folder is None:
            sys.exit("results-real: nothing to calibrate on")
        return sorted(folder.glob("*.txt"))

    def fit(self, name, k, *flags, documents=None, context=None):
        """A table of thresholds, from `documents` documents of `context` tokens; the size's own numbers by default."""
        context = context or self.size["context"]
        texts = self.calibration_texts(documents or self.size["calibration"], context)
        return self.made("tt-calibrate", f"{name}.h5", "fit", "--model", self.model, "--text", *texts, "--context", context,
                         "-k", ",".join(map(str, k)), "--length-bins", 8, *flags)

    def with_rho(self, table, *flags):
        """The same thresholds with rho for calibrated SDC, from the size's own documents."""
        texts = self.calibration_texts(self.size["calibration"], self.size["context"])
        return self.made("tt-calibrate", f"{table.stem}-rho.h5", "fit", "--model", self.model, "--text", *texts,
                         "--context", self.size["context"], "--sdc-from", table, "--sdc", "calibrated", *flags)

    def ks(self, *keys):
        return sorted({k for key in keys for k in self.size[key]})

    def tables(self):
        """Thresholds on scores, with rho for calibrated SDC, and on weights, which serve running-softmax placement too."""
        k = self.ks("k", "other-k", "questions-k", "short-k", "few-shot-k")
        return [self.fit("scores", k, "--sdc", "calibrated", "--rho-law"),
                self.fit("weights", k, "--placement", "post-softmax", "--tac")]

    def uniform(self, name, curve, k):
        return self.made("tt-calibrate", f"{name}-{k}-uniform.h5", "retarget", curve, "-k", k)

    def shared_out(self, name, curve, k, per, by="", *flags):
        """As many elements as one k would keep, shared out over layers or heads."""
        kind = f"{per}-{by}" if by else per
        return self.made("tt-calibrate", f"{name}-{k}-{kind}.h5", "budget", curve, "--uniform-k", k, "--per", per, *flags)

    def fit_long(self, name, k, *flags):
        """From few long documents, of which a share of the rows is used; rows of all lengths are drawn equally often.
        Thresholds of short documents would keep too much of longer rows."""
        return self.fit(name, k, *flags, "--row-fraction", self.size["long-row-fraction"], documents=self.size["long-calibration"],
                        context=self.size["long-context"] or self.size["decode-context"])

    def long_weights(self, key):
        """Tables with one k for all, for each of `key`, and with a k for each head, for each of `by-head-` and `key`."""
        curve = self.fit_long("curve-long", [min(self.ks("decode-k", "long-k"))], "--placement", "post-softmax", "--curve")
        return ([self.uniform("long", curve, k) for k in self.size[key]],
                [self.shared_out("long", curve, k, "head") for k in self.size[f"by-head-{key}"]])

    # ---- sweeps

    def sweep(self, name, **settings):
        """Runs one sweep, or goes on with it; returns whether every cell is there."""
        folder, config = self.out / name, self.out / f"{name}.toml"
        lines = ["[sweep]", f"model = {json.dumps(str(self.model))}"]
        for key, value in settings.items():
            lines.append(f"{key} = {toml_list(value) if isinstance(value, list) else json.dumps(value)}")
        text = "\n".join(lines) + "\n"
        if config.exists() and config.read_text() != text and folder.exists():
            sys.exit(f"results-real: {folder} was made with other settings; name another --out, or remove it")
        config.write_text(text)
        began = time.time()
        status = self.run("tt-eval", "sweep", config, "-o", folder, "--resume").returncode
        say(f"{name}: {time.time() - began:.0f} s, exit status {status}")
        return status == 0

    def prefill(self, tables):
        size, policies, names = self.size, self.plan["policies"], [t["name"] for t in self.plan["text"]]
        whole = self.sweep("prefill", task=self.texts(size["documents"], size["context"], names[:1]), context=size["context"],
                           k=size["k"], thresholds=tables, phase="prefill",
                           attention=["dense", *policies["top-theta"], *policies["rivals"], *policies["without-k"]])
        others = self.sweep("others", task=self.texts(size["other-documents"], size["context"], names[1:]),
                            context=size["context"], k=size["other-k"], thresholds=tables, phase="prefill",
                            attention=["dense", *policies["top-theta"], *policies["rivals"], *policies["without-k"]])
        return whole and others

    def short(self, tables):
        """The first text cut into short documents, with the same thresholds."""
        size = self.size
        texts = self.texts(size["short-documents"], size["short-context"], [self.plan["text"][0]["name"]])
        return self.sweep("short", task=texts, context=size["short-context"], k=size["short-k"], thresholds=tables, phase="prefill",
                          attention=["dense", *self.plan["policies"]["top-theta"], *self.plan["policies"]["top-k"]])

    def first_layers(self, _):
        """The first layer, and the first two, dense: tables of their own."""
        size, whole = self.size, True
        texts = self.texts(size["documents"], size["context"], [self.plan["text"][0]["name"]])
        for layers in (1, 2):
            dense = ",".join(f"{layer}:dense" for layer in range(layers))
            k = size["first-layers-k"]
            tables = [self.fit(f"scores-dense-{layers}", k, "--sdc", "calibrated", "--rho-law", "--layer-k", dense),
                      self.fit(f"weights-dense-{layers}", k, "--placement", "post-softmax", "--tac", "--layer-k", dense)]
            whole &= self.sweep(f"first-layers-{layers}", task=texts, context=size["context"], k=k, thresholds=tables,
                                phase="prefill", attention=["dense", *self.plan["policies"]["top-theta"]])
        return whole

    def calibration(self, _):
        """How many documents thresholds need: tables from fewer and fewer of them."""
        size = self.size
        tables = [self.fit(f"weights-from-{count}", size["calibration-k"], "--placement", "post-softmax", "--tac", documents=count)
                  for count in size["calibration-counts"]]
        texts = self.texts(size["documents"], size["context"], [self.plan["text"][0]["name"]])
        return not tables or self.sweep("calibration", task=texts, context=size["context"], k=size["calibration-k"], thresholds=tables,
                                        phase="prefill", attention=["dense", *self.plan["policies"]["calibration"]])

    def drift(self, tables):
        """What an audit and a comparison of tables say of other texts beforehand, and what tables of their own gain there."""
        size, whole = self.size, True
        k, context, count = size["drift-k"], size["context"], size["other-documents"]
        for text in self.plan["text"]:
            name = text["name"]
            known = self.documents(f"own-{name}", text["file"], text["own-from"], count, context)
            seen = self.documents(name, text["file"], text["from"], count, context)
            if known is None or seen is None:
                continue
            for table in tables:
                self.made("tt-calibrate", f"audit-{table.stem}-{name}.json", "audit", table, "-k", k, "--model", self.model,
                          "--text", *sorted(seen.glob("*.txt")), "--context", context, "--format", "json")
            own = self.made("tt-calibrate", f"own-{name}.h5", "fit", "--model", self.model, "--text", *sorted(known.glob("*.txt")),
                            "--context", context, "-k", k, "--length-bins", 8, "--placement", "post-softmax", "--tac", "--curve")
            if text is self.plan["text"][0]:
                first = own
                continue
            self.made("tt-calibrate", f"drift-{name}.json", "drift", first, own, "--format", "json")
            whole &= self.sweep(f"own-{name}", task=[seen], context=context, k=[k], thresholds=[first, own], phase="prefill",
                                attention=["dense", *self.plan["policies"]["calibration"]])
        return whole

    def curve(self):
        """From which budgets of thresholds on weights are made."""
        return self.fit("curve", [max(self.size["budget-k"])], "--placement", "post-softmax", "--tac", "--curve")

    def budget(self, _):
        """What a k of its own for each layer or head gains, with and without what each layer costs by itself."""
        size, context = self.size, self.size["context"]
        if not size["budget-k"]:
            return True
        k = max(size["budget-k"])
        texts = self.texts(size["documents"], context, [self.plan["text"][0]["name"]])
        curve = self.curve()
        scores = self.fit("curve-scores", [k], "--curve")
        sensitive = self.documents("sensitivity", self.plan["calibration"]["file"], size["sensitivity-from"], size["sensitivity-documents"],
                                   context)
        blame = self.made("tt-eval", "sensitivity.json", "sensitivity", "--model", self.model, "--task", sensitive, "--context", context,
                          "--thresholds", curve, "--attention", f"theta:k={k},placement=post-softmax,vmc", "--format", "json")
        whole = True
        for k in size["budget-k"]:
            weighed = ["--sensitivity", blame, "--min-k", k // 2]
            tables = [self.uniform("budget", curve, k), self.shared_out("budget", curve, k, "layer"), self.shared_out("budget", curve, k, "head"),
                      self.shared_out("budget", curve, k, "head", "sensitivity", *weighed)]
            whole &= self.sweep(f"budget-{k}", task=texts, context=context, thresholds=tables, phase="prefill",
                                attention=["dense", *self.plan["policies"]["calibration"]])
            compensated = [self.with_rho(self.shared_out("scores", scores, k, "head"), "--rho-law"), self.with_rho(tables[2])]
            whole &= self.sweep(f"budget-{k}-sdc", task=texts, context=context, thresholds=compensated, phase="prefill",
                                attention=["dense", *self.plan["policies"]["budget-sdc"]])
        others = self.texts(size["other-documents"], context, [t["name"] for t in self.plan["text"][1:]])
        by_head = [self.shared_out("budget", curve, k, "head") for k in size["budget-k"]]
        return whole & self.sweep("others-by-head", task=others, context=context, thresholds=by_head, phase="prefill",
                                  attention=["dense", *self.plan["policies"]["calibration"]])

    def decode(self, _):
        size, policies = self.size, self.plan["policies"]
        tables, by_head = self.long_weights("decode-k")
        texts = self.texts(size["decode-documents"], size["decode-context"], ["wikitext"])
        settings = {"task": texts, "context": size["decode-context"], "phase": "decode"}
        whole = self.sweep("decode", k=size["decode-k"], thresholds=tables, attention=["dense", *policies["decode"]], **settings)
        return whole & self.sweep("decode-by-head", thresholds=by_head, attention=["dense", *policies["decode"]], **settings)

    def questions(self, tables):
        files = [self.file(entry["file"]) for entry in self.plan["questions"]]
        return self.sweep("questions", task=[f for f in files if f is not None], limit=self.size["questions"],
                          k=self.size["questions-k"], thresholds=tables, phase="prefill",
                          attention=["dense", *self.plan["policies"]["questions"]])

    def few_shot(self, tables):
        """Questions after many solved ones: prompts that are long enough to leave much out. Thresholds on weights alone."""
        size, plan = self.size, self.plan["few-shot"]
        if not size["few-shot-questions"]:
            return True
        files = [self.file(name) for name in plan["files"]]
        settings = {"task": [f for f in files if f is not None], "limit": size["few-shot-questions"], "phase": "prefill",
                    "few-shot": plan["examples"]}
        whole = self.sweep("few-shot", k=size["few-shot-k"], thresholds=tables[1:], attention=["dense", *plan["policies"]], **settings)
        by_head = [self.shared_out("budget", self.curve(), k, "head") for k in size["by-head-few-shot-k"]]
        return whole & self.sweep("few-shot-by-head", thresholds=by_head, attention=["dense", plan["policies"][0]], **settings)

    def long(self, _):
        size = self.size
        if not size["long-documents"]:
            return True
        tables, by_head = self.long_weights("long-k")
        tables.append(self.fit_long("scores-long", size["long-k"], "--sdc", "calibrated", "--rho-law"))
        policies = self.plan["policies"]
        texts = self.texts(size["long-documents"], size["long-context"], ["wikitext"])
        settings = {"task": texts, "context": size["long-context"], "phase": "prefill"}
        whole = self.sweep("long", k=size["long-k"], thresholds=tables, attention=["dense", *policies["long"]], **settings)
        return whole & self.sweep("long-by-head", thresholds=by_head, attention=["dense", *policies["calibration"]], **settings)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, help="a Hugging Face directory or a GGUF file")
    parser.add_argument("data", type=pathlib.Path, help="the folder of texts and data sets that the plan names")
    parser.add_argument("--plan", type=pathlib.Path, default=ROOT / "tools/results/real.toml", help="default: %(default)s")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/results-real", help="default: %(default)s")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/apps", help="default: %(default)s")
    parser.add_argument("--size", default="full", help="which of the plan's sizes to run (default: %(default)s)")
    parser.add_argument("--quick", action="store_const", dest="size", const="quick", help="--size quick: a first look, in a quarter of an hour")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES, help="only these parts (default: all)")
    flags = parser.parse_args()
    study = Study(flags)
    tables = study.tables()
    whole = [getattr(study, stage.replace("-", "_"))(tables) for stage in flags.stages]
    if not all(whole):
        sys.exit("results-real: some cells failed (see above); run it again to go on")


if __name__ == "__main__":
    main()
