#!/usr/bin/env python3
"""Runs lm-evaluation-harness itself and tt-eval on the same model and lines, example by example.

    tools/lm_eval/compare_run.py build/release/apps/tt_eval/tt-eval [MODEL_DIR]

The lines are those of compare_prompts.py, the model the embedded one unless another directory in transformers' form is
given. Compared are log-likelihoods, accuracies and, of gsm8k, the completions and both of its matches. Needs
lm-evaluation-harness with its models (pip install 'lm-eval[hf]'); no network.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from compare_prompts import BOOLQ, COPA, CSQA, GSM8K, SCIQ, task_of

# Our name, the harness's file under its tasks, lines, solved examples.
CASES = [
    ("sciq", "sciq/sciq.yaml", SCIQ, 0),
    ("copa", "super_glue/copa/default.yaml", COPA, 0),
    ("boolq", "super_glue/boolq/default.yaml", BOOLQ, 2),
    ("commonsense_qa", "commonsense_qa/default.yaml", CSQA, 2),
    ("gsm8k", "gsm8k/gsm8k.yaml", GSM8K, 3),
]
TOLERANCE = 0.002


def harness_model(directory):
    tokens = {entry["id"]: entry["content"] for entry in json.loads((directory / "tokenizer.json").read_text())["added_tokens"]}
    config = json.loads((directory / "config.json").read_text())
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(directory / "tokenizer.json"),
                                        bos_token=tokens.get(config["bos_token_id"]), eos_token=tokens.get(config["eos_token_id"]))
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    return HFLM(pretrained=model, tokenizer=tokenizer, device="cpu", batch_size=1, max_length=config["max_position_embeddings"])


def their_scores(model, task, shots):
    """Of each example: log-likelihoods and accuracies, or the completion and its matches."""
    scores = []
    for number, doc in enumerate(task.test_docs()):
        context = task.fewshot_context(doc, shots)
        made = task.construct_requests(doc=doc, ctx=context, metadata=(None, number, 1))
        made = made if isinstance(made, list) else [made]
        if made[0].request_type == "loglikelihood":
            found = model.loglikelihood([Instance("loglikelihood", doc, request.args, 0) for request in made], disable_tqdm=True)
            metrics = task.process_results(doc, found)
            scores.append({"log_likelihoods": [one[0] for one in found], **{key: float(metrics[key]) for key in ("acc", "acc_norm")
                                                                           if key in metrics}})
            continue
        text = model.generate_until([Instance("generate_until", doc, made[0].args, 0)], disable_tqdm=True)[0]
        scores.append({"completion": text})
        for filters, key in zip(task._filters, ("exact_match", "exact_match_flexible")):
            instance = Instance("generate_until", doc, made[0].args, 0)
            instance.resps = [text]
            filters.apply([instance])
            extracted = instance.filtered_resps[filters.name]
            scores[-1][key] = float(task.process_results(doc, [extracted])["exact_match"])
    return scores


def our_scores(program, model, name, lines, shots):
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "lines.jsonl"
        log = pathlib.Path(folder) / "log.jsonl"
        data.write_text("".join(json.dumps(line) + "\n" for line in lines))
        command = [program, "run", "--model", str(model), "--task", f"{name}:{data}", "--few-shot", str(shots), "--attention",
                   "dense", "--log-samples", str(log), "--format", "json", "-o", str(pathlib.Path(folder) / "r.json"), "-q"]
        if shots:
            command += ["--few-shot-file", str(data)]
        subprocess.run(command, check=True)
        return [json.loads(line) for line in log.read_text().splitlines()]


def differences(theirs, ours):
    """What differs, in words; the largest difference of a log-likelihood."""
    largest = 0.0
    found = []
    for index, (expected, own) in enumerate(zip(theirs, ours)):
        for key, value in expected.items():
            if key == "log_likelihoods":
                largest = max([largest, *(abs(a - b) for a, b in zip(value, own[key]))])
            elif key in own and own[key] != value:
                found.append(f"example {index}: {key} {value!r}, ours {own[key]!r}")
    return found, largest


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    directory = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else root / "data" / "model"
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(directory, pathlib.Path(folder) / "model")
        model = harness_model(pathlib.Path(copy))
    for name, config, lines, shots in CASES:
        theirs = their_scores(model, task_of(config, lines, shots), shots)
        ours = our_scores(sys.argv[1], directory, name, lines, shots)
        found, largest = differences(theirs, ours)
        same_number = len(theirs) == len(ours)
        keys = ", ".join(key for key in theirs[0] if key in ours[0])
        print(f"{name:15} {shots} solved: {len(ours)} of {len(theirs)} examples ({keys}), largest difference of a "
              f"log-likelihood {largest:.6f}, {len(found)} differ")
        for line in found:
            print("  " + line)
        failed = failed or not same_number or bool(found) or largest > TOLERANCE
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
