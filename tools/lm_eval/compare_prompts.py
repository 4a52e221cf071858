#!/usr/bin/env python3
"""Compares tt-eval's requests with those of lm-evaluation-harness itself (pip install lm-eval), character by character.

    tools/lm_eval/compare_prompts.py build/release/apps/tt_eval/tt-eval

For every data set below it writes a few lines of our own words, asks lm-evaluation-harness's own task for its requests
on them, and `tt-eval tasks show --format json` for ours. Needs no model and no network.
"""
import importlib.resources
import json
import pathlib
import subprocess
import sys
import tempfile

import datasets
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks._yaml_loader import load_yaml

BOOLQ = [{"passage": f"Lake {n} is deep.", "question": f"is lake {n} deep", "label": n % 2} for n in range(6)]
SCIQ = [{"question": f"What burns {n}?", "distractor1": "ice", "distractor2": "a stone", "distractor3": "fog",
         "correct_answer": "wood", "support": "  Wood burns.\n" if n % 2 else ""} for n in range(6)]
COPA = [{"premise": f"Rain fell {n} times. ", "choice1": "The road got wet.", "choice2": "I ate a pear.",
         "question": "effect" if n % 2 else "cause", "label": n % 2} for n in range(6)]
CSQA = [{"id": str(n), "question": f" Where is {n}? ", "question_concept": "place", "answerKey": "ABCDE"[n % 5],
         "choices": {"label": list("ABCDE"), "text": ["here", "there", "up", "down", "home"]}} for n in range(6)]
GSM8K = [{"question": f"Ann has {n} pears and buys 2. How many?", "answer": f"{n} + 2 = {n + 2}\n#### {n + 2}"}
         for n in range(6)]
MMLU_PRO = [{"question": f"What is {n} + 1?", "options": [str(n), str(n + 1), str(n + 2)], "answer": "B",
             "cot_content": f"A: Let's think step by step. {n} + 1 = {n + 1}. The answer is (B).", "category": "math"}
            for n in range(6)]

# Our name, the harness's file under its tasks, lines, solved examples.
CASES = [
    ("boolq", "super_glue/boolq/default.yaml", BOOLQ, 0),
    ("boolq", "super_glue/boolq/default.yaml", BOOLQ, 2),
    ("sciq", "sciq/sciq.yaml", SCIQ, 0),
    ("sciq", "sciq/sciq.yaml", SCIQ, 2),
    ("copa", "super_glue/copa/default.yaml", COPA, 0),
    ("commonsense_qa", "commonsense_qa/default.yaml", CSQA, 0),
    ("commonsense_qa", "commonsense_qa/default.yaml", CSQA, 2),
    ("gsm8k", "gsm8k/gsm8k.yaml", GSM8K, 0),
    ("gsm8k", "gsm8k/gsm8k.yaml", GSM8K, 3),
    ("mmlu_pro", "mmlu_pro/mmlu_pro_math.yaml", MMLU_PRO, 0),
    ("mmlu_pro", "mmlu_pro/mmlu_pro_math.yaml", MMLU_PRO, 2),
]


def their_requests(config_path, lines, shots):
    config = load_yaml(str(importlib.resources.files("lm_eval") / "tasks" / config_path))
    for key in ("dataset_path", "dataset_name", "tag", "group", "process_docs", "metadata"):
        config.pop(key, None)
    splits = datasets.DatasetDict({"test": datasets.Dataset.from_list(lines), "train": datasets.Dataset.from_list(lines)})
    config.update(custom_dataset=lambda **_: splits, test_split="test", validation_split=None, training_split="train",
                  fewshot_split="train", num_fewshot=shots)
    config["fewshot_config"] = {**config.get("fewshot_config", {}), "sampler": "first_n"}
    task = ConfigurableTask(config=config)
    requests = []
    for doc in task.test_docs():
        context = task.fewshot_context(doc, shots)
        made = task.construct_requests(doc=doc, ctx=context, metadata=(None, 0, 1))
        requests.append([request.args for request in (made if isinstance(made, list) else [made])])
    return requests


def our_requests(program, name, lines, shots):
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "lines.jsonl"
        data.write_text("".join(json.dumps(line) + "\n" for line in lines))
        command = [program, "tasks", "show", name, str(data), "--limit", "0", "--format", "json", "--few-shot", str(shots)]
        if shots:
            command += ["--few-shot-file", str(data)]
        shown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    generation = shown["kind"] == "generation"
    return [[(r["context"],) if generation else (r["context"], r["continuation"]) for r in e["requests"]]
            for e in shown["examples"]]


def main():
    different = 0
    for name, config, lines, shots in CASES:
        theirs = their_requests(config, lines, shots)
        if len(sys.argv) < 2:
            print(name, shots, repr(theirs[1]))
            continue
        ours = our_requests(sys.argv[1], name, lines, shots)
        same = [len(a) == len(b) and all(x[:len(y)] == y for x, y in zip(a, b)) for a, b in zip(theirs, ours)]
        print(f"{name:15} {shots} solved: {sum(same)} of {len(theirs)} examples equal")
        if not all(same):
            different += 1
            at = same.index(False)
            print("  theirs", repr(theirs[at][0]), "\n  ours  ", repr(ours[at][0]))
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
