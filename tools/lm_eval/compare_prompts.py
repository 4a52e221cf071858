#!/usr/bin/env python3
"""Compares tt-eval's requests with those of lm-evaluation-harness itself (pip install lm-eval), character by character.

    tools/lm_eval/compare_prompts.py build/release/apps/tt_eval/tt-eval

For every data set below it writes a few lines of our own words, asks lm-evaluation-harness's own task for its requests
on them, and `tt-eval tasks show --format json` for ours; then both once more as a chat template puts them (--chat, and the
harness's --apply_chat_template). Needs no network; the embedded model, with a template of our own, for the chats.
"""
import importlib.resources
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import datasets
import jinja2
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

CHAT = ("{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}")

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


def task_of(config_path, lines, shots):
    """The harness's own task over these lines, whose first ones are its solved examples."""
    config = load_yaml(str(importlib.resources.files("lm_eval") / "tasks" / config_path))
    for key in ("dataset_path", "dataset_name", "tag", "group", "process_docs", "metadata"):
        config.pop(key, None)
    splits = datasets.DatasetDict({"test": datasets.Dataset.from_list(lines), "train": datasets.Dataset.from_list(lines)})
    config.update(custom_dataset=lambda **_: splits, test_split="test", validation_split=None, training_split="train",
                  fewshot_split="train", num_fewshot=shots)
    config["fewshot_config"] = {**config.get("fewshot_config", {}), "sampler": "first_n"}
    return ConfigurableTask(config=config)


def said(messages, add_generation_prompt=True):
    return jinja2.Template(CHAT, keep_trailing_newline=True).render(messages=messages, add_generation_prompt=add_generation_prompt)


def their_requests(config_path, lines, shots, chat=False):
    task = task_of(config_path, lines, shots)
    asked = {"apply_chat_template": True, "chat_template": said} if chat else {}
    requests = []
    for doc in task.test_docs():
        context = task.fewshot_context(doc, shots, **asked)
        made = task.construct_requests(doc=doc, ctx=context, metadata=(None, 0, 1), **asked)
        requests.append([request.args for request in (made if isinstance(made, list) else [made])])
    return requests


def our_requests(program, name, lines, shots, chat=False):
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "lines.jsonl"
        data.write_text("".join(json.dumps(line) + "\n" for line in lines))
        command = [program, "tasks", "show", name, str(data), "--limit", "0", "--format", "json", "--few-shot", str(shots)]
        if shots:
            command += ["--few-shot-file", str(data)]
        if chat:
            model = shutil.copytree(pathlib.Path(__file__).resolve().parents[2] / "data" / "model", pathlib.Path(folder) / "model")
            (model / "chat_template.jinja").write_text(CHAT)
            command += ["--chat", "--model", str(model)]
        shown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    generation = shown["kind"] == "generation"
    return [[(r["context"],) if generation else (r["context"], r["continuation"]) for r in e["requests"]]
            for e in shown["examples"]]


def main():
    different = 0
    for name, config, lines, shots in CASES:
        for chat in (False, True):
            theirs = their_requests(config, lines, shots, chat)
            if len(sys.argv) < 2:
                print(name, shots, chat, repr(theirs[1]))
                continue
            ours = our_requests(sys.argv[1], name, lines, shots, chat)
            same = [len(a) == len(b) and all(x[:len(y)] == y for x, y in zip(a, b)) for a, b in zip(theirs, ours)]
            print(f"{name:15} {shots} solved{', chat' if chat else ''}: {sum(same)} of {len(theirs)} examples equal")
            if not all(same):
                different += 1
                at = same.index(False)
                print("  theirs", repr(theirs[at][0]), "\n  ours  ", repr(ours[at][0]))
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
