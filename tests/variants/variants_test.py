#!/usr/bin/env python3
"""Runs the programs on variants of good files, each with one thing changed, and checks what becomes of each.

usage: variants_test.py dumps|tables|models|gguf TT_CALIBRATE TT_EVAL [NAME ...]

A variant is "used" (status 0, nothing said), "named" (status 0, and standard error says that something is not used or not followed;
--strict refuses it, where there is that flag), or "refused" (status 3 with a message that has a place, nothing on standard output,
no output file). Exit status 77 without h5py and numpy.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "scripts")]
try:
    import dump_variants
    import gguf_variants
    import model_variants
    import table_variants
except ImportError:
    print("SKIPPED: needs h5py and numpy for /usr/bin/python3 (python3-h5py, python3-numpy)")
    sys.exit(77)

NAMED = ("is not used", "not used", "is not followed", "names no split pattern", "is left out of prompts and scored texts")


def run(words, folder):
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, errors="replace")


def judge(expected, words, strict, folder):
    """What is wrong, or nothing."""
    result = run(words, folder)
    said = any(word in result.stderr for word in NAMED)
    if expected == "refused":
        left = [name for name in os.listdir(folder) if name.startswith("out.")]
        if result.returncode != 3:
            return "status %d instead of 3: %s" % (result.returncode, result.stderr)
        if result.stdout or left:
            return "refused, and yet a result"
        return "" if "\n" in result.stderr and ": error: " in result.stderr else "a message without a place: " + result.stderr
    if result.returncode != 0:
        return "status %d instead of 0: %s" % (result.returncode, result.stderr)
    if said != (expected == "named"):
        return "should be %s: '%s'" % (expected, result.stderr)
    if expected == "named" and strict:
        again = run(words + ["--strict"], folder)
        if again.returncode != 3:
            return "status %d under --strict" % again.returncode
    return ""


def main():
    kind, calibrate, evaluate = sys.argv[1:4]
    of_kind = {"dumps": dump_variants, "tables": table_variants, "models": model_variants, "gguf": gguf_variants}[kind]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="toptheta-variants-") as place:
        folder = pathlib.Path(place)
        (folder / "text.txt").write_text("The cat sat on the mat, and the dog sat on the cat.\n")
        variants = of_kind.variants(folder, calibrate)
        for name, (expected, make) in variants.items():
            if sys.argv[4:] and name not in sys.argv[4:]:
                continue
            for left in folder.glob("out.*"):
                left.unlink()
            file = make()
            if kind in ("models", "gguf"):
                words = [evaluate, "run", "--threads", "1", "--attention", "dense", "--task", "text.txt", "--model", file, "-o", "out.json"]
            elif kind == "dumps":
                words = [calibrate, "fit", file, "-k", "4", "-o", "out.h5"]
            else:
                words = [calibrate, "convert", file, "-o", "out.json"]
            fault = judge(expected, words, kind in ("models", "gguf"), folder)
            if fault:
                wrong += 1
                print("%s %s: %s" % (kind, name, fault.rstrip()))
    print("%d variants of %s, %d wrong" % (len(variants), kind, wrong))
    sys.exit(1 if wrong else 0)


main()
