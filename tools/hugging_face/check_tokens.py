#!/usr/bin/env python3
"""Compares the token ids of a GGUF vocabulary with Hugging Face's, over whole files of texts.

    tools/hugging_face/check_tokens.py MODEL.gguf FILE|DIRECTORY ... [--tt-eval build/release/apps/tt_eval/tt-eval]

Needs the packages transformers and gguf (PyPI). The tokenizer of transformers is built from the tokens and merges in the file,
in the way of the model's published tokenizer.json (SmolLM: digits one by one, then GPT-2's words), because transformers'
own GGUF reader leaves out the digits. Every file is one text; in a .jsonl file, every string is also a text of its own. Prints a
line for each file, and where ids first differ; the exit status is 1 if they differ anywhere.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

CONTROL = 3  # tokenizer.ggml.token_type


def word_splitter(pre):
    words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if pre == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), words])
    if pre in ("gpt-2", "phi-2"):
        return words
    sys.exit(f"check_tokens: tokenizer.ggml.pre '{pre}': add how its tokenizer.json splits words")


def tokenizer_of(path):
    """transformers' tokenizer, and the token that no text may hold but that ends one."""
    fields = GGUFReader(path).fields
    value = {name: fields[f"tokenizer.ggml.{name}"].contents() for name in ("model", "pre", "tokens", "merges", "token_type")}
    if value["model"] != "gpt2":
        sys.exit(f"check_tokens: tokenizer.ggml.model '{value['model']}' is not byte-level BPE")
    vocabulary = {token: i for i, token in enumerate(value["tokens"])}
    merges = [tuple(merge.split(" ")) for merge in value["merges"]]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = word_splitter(value["pre"])
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token, kind in zip(value["tokens"], value["token_type"]) if kind == CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer), special[0]


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_of(inner)


def texts_of(path, separator):
    """(name, text) of a file. Texts of their own are joined by a special token, across which nothing is merged."""
    text = path.read_bytes().decode()
    yield path.name, text
    if path.suffix != ".jsonl":
        return
    texts = [string for line in text.split("\n") if line.strip() for string in strings_of(json.loads(line))]
    if any(separator in string for string in texts):
        sys.exit(f"check_tokens: {path}: a text holds {separator}")
    yield f"{path.name}: {len(texts)} texts", separator.join(texts)


def our_ids(program, model, text):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "text.txt")
        source.write_bytes(text.encode())
        done = subprocess.run([program, "tokenize", "--model", model, "--text", str(source), "--plain", "--format", "json"],
                              capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"check_tokens: {program} ended with {done.returncode}: {done.stderr.decode()}")
    return json.loads(done.stdout)["ids"]


def first_difference(ours, theirs, tokenizer):
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    shown = [tokenizer.convert_ids_to_tokens(ids[max(at - 3, 0):at + 5]) for ids in (ours, theirs)]
    return f"    from token {at} on: ours {shown[0]}, Hugging Face's {shown[1]}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("model")
    arguments.add_argument("paths", nargs="+", type=pathlib.Path)
    arguments.add_argument("--tt-eval", default="build/release/apps/tt_eval/tt-eval")
    given = arguments.parse_args()
    tokenizer, separator = tokenizer_of(given.model)
    files = []
    for path in given.paths:
        files += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    different = tokens = 0
    for name, text in (pair for path in files for pair in texts_of(path, separator)):
        ours = our_ids(given.tt_eval, given.model, text)
        theirs = tokenizer(text, add_special_tokens=False)["input_ids"]
        back = tokenizer.decode(ours, clean_up_tokenization_spaces=False)
        same = ours == theirs and back == text
        different += not same
        tokens += len(ours)
        print(f"{'same' if same else 'DIFFERENT'}  {len(ours):8} tokens  {name}")
        if ours != theirs:
            print(first_difference(ours, theirs, tokenizer))
    print(f"{different} of the texts differ; {tokens} tokens in all" if different else f"All the same: {tokens} tokens.")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
