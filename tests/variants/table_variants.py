"""Threshold tables: the authors' text, CSV and JSON, spelled otherwise, cut, doubled, out of range."""
import json
import re
import subprocess

import dump_variants


def text_cases(text):
    first = text.splitlines()[0]
    add = lambda line: text + line + "\n"
    return {
        "carriage-returns": ("used", text.replace("\n", "\r\n")), "no-last-newline": ("used", text.rstrip("\n")),
        "comment": ("refused", "# x\n" + text), "tabs": ("refused", text.replace(" ", "\t")), "line-twice": ("refused", add(first)),
        "line-contradicted": ("refused", add(re.sub(r" \S+ ", " 0.5 ", first, count=1))), "lower-case": ("refused", text.replace("L0", "l0", 1)),
        "negative-layer": ("refused", add("L-1_H0:5 0.1 2 4")), "layer-huge": ("refused", add("L99999999_H0:900 0.1 2 4")),
        "theta-nan": ("refused", add("L0_H0:900 nan 2 4")), "theta-infinite": ("refused", add("L0_H0:900 inf 2 4")),
        "theta-hexadecimal": ("refused", add("L0_H0:900 0x1p3 2 4")), "theta-too-large": ("refused", add("L0_H0:900 1e999 2 4")),
        "decimal-comma": ("refused", text.replace(".", ",")), "count-negative": ("refused", add("L0_H0:900 0.1 -2 4")),
        "count-fraction": ("refused", add("L0_H0:900 0.1 2.5 4")), "five-numbers": ("refused", add("L0_H0:900 0.1 2 4 7")),
        "two-numbers": ("refused", add("L0_H0:900 0.1 2")), "length-zero": ("refused", add("L0_H0:0 0.1 2 4")),
        "length-huge": ("refused", add("L0_H0:99999999999 0.1 2 4")), "k-zero": ("refused", add("L0_H0:900 0.1 2 0")),
        "blank-in-key": ("refused", add("L0_H0: 900 0.1 2 4")), "zero-byte": ("refused", add("L0_H0:900 0.1\0 2 4")),
        "empty": ("refused", ""), "blank": ("refused", "\n\n"), "row-of-k-keys": ("named", add("L0_H0:4 0.1 2 4"))}


def csv_cases(text):
    rows = text.splitlines()
    cells = [row.split(",") for row in rows]
    joined = lambda table: "\n".join(",".join(row) for row in table) + "\n"
    put = lambda column, value: joined([cells[0]] + [row[:column] + [value] + row[column:][1:] for row in cells[1:]])
    return {
        "carriage-returns": ("used", text.replace("\n", "\r\n")), "reordered": ("used", joined([row[::-1] for row in cells])),
        "without-rho": ("used", joined([row[:-4] + row[-3:] for row in cells])), "without-law": ("used", joined([row[:-3] for row in cells])),
        "law-cut": ("refused", joined([row[:-1] for row in cells])), "law-nan": ("refused", put(-1, "nan")), "law-infinite": ("refused", put(-1, "inf")),
        "law-contradicted": ("refused", joined(cells[:1] + [cells[1][:-1] + ["9"]] + cells[2:])), "semicolons": ("refused", text.replace(",", ";")),
        "no-header": ("refused", "\n".join(rows[1:])), "header-only": ("refused", rows[0] + "\n"), "empty": ("refused", ""),
        "unknown-column": ("refused", joined([cells[0] + ["bias"]] + [row + ["0.5"] for row in cells[1:]])),
        "column-twice": ("refused", joined([cells[0] + ["theta"]] + [row + ["9"] for row in cells[1:]])),
        "column-upper-case": ("refused", rows[0].upper() + "\n" + "\n".join(rows[1:])), "blanks": ("refused", text.replace(",", ", ")),
        "short-row": ("refused", text + "0,0,5\n"), "long-row": ("refused", text + rows[1] + ",1\n"), "row-twice": ("refused", text + rows[1] + "\n"),
        "theta-nan": ("refused", put(4, "nan")), "theta-empty": ("refused", put(4, "")), "std-negative": ("refused", put(5, "-1")),
        "kept-mass-2": ("refused", put(8, "2")), "kept-mass-1": ("used", put(8, "1")), "quoted": ("refused", put(4, '"0.5"')),
        "row-of-k-keys": ("named", text + ",".join(cells[1][:2] + ["4"] + cells[1][3:]) + "\n")}


def paths_of(value, place=()):
    """One place of every key of a JSON document."""
    found = {}
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        if isinstance(value, dict):
            found.setdefault(key, place + (key,))
        for name, where in paths_of(part, place + (key,)).items():
            found.setdefault(name, where)
    return found


def changed(text, path, change):
    document = json.loads(text)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return json.dumps(document)


# Keys that may have some of the values below, as JSON writes them; every other one is refused.
FREE = {"add_sigma": ("-1", "1.5", "1e+300"), "topk_at_calibration": ("true",), "inputs": ("[]",), "cells": ("[]",)}
FREE.update({key: ('"x"',) for key in ("command", "commit", "estimator", "model", "path", "sha256", "version")})


def json_cases(text):
    cases = {"inside-another": ("refused", json.dumps({"table": json.loads(text)})), "trailing": ("refused", text + "{}"),
             "key-twice": ("refused", text.rstrip()[:-1] + ', "targets": []}')}
    dense = json.loads(text)
    dense["targets"][0]["layer_k"][0] = "dense"
    cases["dense-layer-with-thresholds"] = ("named", json.dumps(dense))
    for key, path in paths_of(json.loads(text)).items():
        for value in (None, "x", -1, 1.5, [], {}, 1e300, True):
            shown = json.dumps(value)
            cases[key + "=" + shown] = ("used" if shown in FREE.get(key, ()) else "refused",
                                        changed(text, path, lambda holder, last, value=value: holder.update({last: value})))
        cases[key + "-missing"] = ("used" if key in ("rho", "rho_law") else "refused", changed(text, path, lambda holder, last: holder.pop(last)))
        cases[key + "-upper-case"] = ("refused", changed(text, path, lambda holder, last: holder.update({last.upper(): holder.pop(last)})))
    return cases


def variants(folder, calibrate):
    dump_variants.write(folder / "dump.h5", "scores", lambda file: None, {}, {})
    run = lambda *words: subprocess.run([calibrate, *words], cwd=folder, check=True, capture_output=True)
    run("fit", "dump.h5", "-k", "4,8", "--sdc", "both", "--rho-law", "-o", "table.h5")
    run("convert", "table.h5", "-o", "good.json")
    run("convert", "table.h5", "-o", "good.csv")
    run("convert", "table.h5", "-k", "4", "-o", "good.th.txt")

    def maker(ending, content):
        def make():
            (folder / ("x" + ending)).write_bytes(content.encode())
            return "x" + ending
        return make
    kinds = {".th.txt": text_cases, ".csv": csv_cases, ".json": json_cases}
    return {name + ending: (expected, maker(ending, content)) for ending, cases in kinds.items()
            for name, (expected, content) in cases((folder / ("good" + ending)).read_text()).items()}
