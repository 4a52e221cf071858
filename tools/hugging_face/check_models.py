#!/usr/bin/env python3
"""Logits of tt-eval beside those of Hugging Face's library, over tiny random models of every family and setting (model_cases.py).

    tools/hugging_face/check_models.py [FAMILY|FAMILY/NAME ...] [--tt-eval build/release/apps/tt_eval/tt-eval] [--keep DIR]

Needs the packages transformers, torch and safetensors (PyPI). Each model is saved as save_pretrained does, once more with a config.json
that leaves out the defaults, and once in the form of before transformers 5 where that can say the same; the logits of 57 tokens must lie
within 1e-4 of transformers'. The status is 1 where logits differ, where a model that must be refused is not, or where one that should run
is. README.md says more.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import torch
import transformers

import model_cases

TOKENS = 57
TOLERANCE = 1e-4
DEFAULTS = "(defaults left out)"


def randomize(model):
    """Weights that make attention peaked and every part matter: of the usual 0.02, positions could be wrong and nobody would see it."""
    generator = torch.Generator().manual_seed(11)
    for name, tensor in model.named_parameters():
        noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float32)
        if tensor.dim() == 1:
            around = 0.0 if name.endswith("bias") or "sinks" in name else tensor.detach().float().mean()
            tensor.data = (around + 0.3 * noise).to(tensor.dtype)
        elif "embed" in name or "wte" in name or "wpe" in name:
            tensor.data = (0.4 * noise).to(tensor.dtype)
        else:
            tensor.data = (1.3 * noise / tensor.shape[-1] ** 0.5).to(tensor.dtype)


def made(family, settings, folder):
    """The model's logits, after it was saved."""
    config = transformers.AutoConfig.for_model(family, **json.loads(json.dumps(settings)))
    config._attn_implementation = "eager"
    experts = {"experts_implementation": "eager"} if hasattr(config, "num_experts_per_tok") else {}
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", **experts).eval()
    randomize(model)
    model.save_pretrained(folder)
    tokens = np.random.default_rng(5).integers(0, config.vocab_size, TOKENS)
    np.save(folder / "ids.npy", tokens)
    with torch.no_grad():
        if not getattr(config, "reorder_and_upcast_attn", False):  # which is for lower precisions only
            model.double()
        return model(torch.tensor(tokens)[None]).logits[0].double().numpy()


def older_form(config):
    """config.json as before transformers 5; None where that form cannot say it."""
    old = dict(config)
    old["torch_dtype"] = old.pop("dtype", "float32")
    rope = old.pop("rope_parameters", None)
    if rope is None:
        return old
    if config["model_type"] == "gpt_oss" and rope["rope_type"] == "default":
        return None  # no section means YaRN there
    if "full_attention" in rope:
        full, local = rope["full_attention"], rope.get("sliding_attention", {"rope_type": "default", "rope_theta": None})
        if local["rope_type"] != "default":
            return None
        if config["model_type"] == "gemma3_text":
            old["rope_local_base_freq"] = local["rope_theta"]
        elif local["rope_theta"] != full["rope_theta"]:
            return None
        rope = full
    rope = dict(rope)
    is_neox = config["model_type"] == "gpt_neox"
    for name, older in (("rope_theta", "rotary_emb_base" if is_neox else "rope_theta"),
                        ("partial_rotary_factor", "rotary_pct" if is_neox else "partial_rotary_factor")):
        if name in rope:
            old[older] = rope.pop(name)
    if rope.get("rope_type", "default") == "default":
        old["rope_scaling"] = None
    else:
        old["rope_scaling"] = rope
    return old


def stripped(config):
    """config.json without the fields that are the defaults of the family."""
    usual = transformers.AutoConfig.for_model(config["model_type"]).to_dict()
    return {key: value for key, value in config.items() if key == "model_type" or key not in usual or usual[key] != value}


def ours(program, folder, phase):
    """Logits, or the reason why there are none; what was said on the way."""
    out = folder / "out.npy"
    words = [program, "logits", "--model", folder, "--ids", folder / "ids.npy", "--phase", phase, "-o", out, "--threads", "1"]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return np.load(out), done.stderr
    if done.returncode != 3:
        raise SystemExit(f"check_models: status {done.returncode}: {done.stderr}")
    return None, done.stderr


def compare(program, folder, reference, name, refused, phase):
    """Prints a line; whether it is as it should be."""
    logits, said = ours(program, folder, phase)
    said = " ".join(said.split())
    if logits is None:
        # A configuration that leaves out a size may be refused.
        good = refused or (DEFAULTS in name and "missing field" in said)
        print(f"{'refused ' if good else 'REFUSED '}            {name}: {said[:300]}")
        return good
    largest = float(np.abs(logits - reference).max())
    good = largest <= TOLERANCE and not refused
    print(f"{'same    ' if good else 'DIFFERENT'} {largest:10.2e} {name} (|logits| to {np.abs(reference).max():.0f}){': ' + said if said else ''}")
    return good


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("only", nargs="*", help="a family, or FAMILY/NAME")
    arguments.add_argument("--tt-eval", default="build/release/apps/tt_eval/tt-eval")
    arguments.add_argument("--keep", type=pathlib.Path, help="leave the models here")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    wrong = count = 0
    for name, family, settings, refused in model_cases.cases():
        full_name = f"{family}/{name}"
        if given.only and not {family, full_name} & set(given.only):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch) if given.keep is None else given.keep / full_name
            folder.mkdir(parents=True, exist_ok=True)
            try:
                reference = made(family, settings, folder)
            except Exception as reason:  # a setting that transformers itself does not take
                print(f"-                   {full_name}: transformers: {type(reason).__name__}: {str(reason)[:200]}")
                continue
            config = json.loads((folder / "config.json").read_text())
            wrong += not compare(given.tt_eval, folder, reference, full_name, refused, "decode")
            count += 2
            (folder / "config.json").write_text(json.dumps(stripped(config), indent=2))
            wrong += not compare(given.tt_eval, folder, reference, f"{full_name} {DEFAULTS}", refused, "prefill")
            if (older := older_form(config)) is not None:
                (folder / "config.json").write_text(json.dumps(older, indent=2))
                wrong += not compare(given.tt_eval, folder, reference, f"{full_name} (older form)", refused, "prefill")
                count += 1
    print(f"{count} models, {wrong} of them not as they should be" if wrong else f"All as it should be: {count} models.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
