"""The programs in docs/formats.md, run as they stand there: the writers' files are read, and the readers agree.

    formats_test.py docs/formats.md build/apps/tt_calibrate/tt-calibrate
"""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import types

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

document, program = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
SHAPE = {"L": 4, "H": 2, "KV": 1, "D": 16, "N": 160}
LAYER, HEAD, K = 3, 0, "64"


def block(language, word):
    """The one code block in `language` with this word in it."""
    found = [b for b in re.findall(rf"```{language}\n(.*?)```", document.read_text(), re.DOTALL) if word in b]
    assert len(found) == 1, f"{len(found)} blocks with {word}"
    return found[0]


def run(word, **names):
    with contextlib.redirect_stdout(None):
        exec(compile(block("python", word), f"{document.name}: {word}", "exec"), names)
    return names


def calibrate(*arguments):
    subprocess.run([program, *arguments, "--quiet"], check=True, stdout=subprocess.DEVNULL)


def random_attention(_sample=None, _layer=None):
    heads = (SHAPE["H"], SHAPE["KV"])
    return [np.random.default_rng(7).standard_normal((h, SHAPE["N"], SHAPE["D"])) for h in heads]


def check_writers():
    layers = [random_attention() for _ in range(SHAPE["L"])]
    run("dump.h5", q=[q for q, _ in layers], k=[k for _, k in layers], **SHAPE)
    run("swmr_mode", samples=3, attention_of=random_attention, **SHAPE)
    calibrate("fit", "live.h5", "-k", K, "-o", "live-theta.h5")
    calibrate("fit", "dump.h5", "-k", K, "--curve", "-o", "theta.h5")


def check_readers():
    with h5py.File("theta.h5") as file:
        table = file[f"targets/{K}"]
        this = (table["layer"][:] == LAYER) & (table["head"][:] == HEAD)
        expected = dict(zip(table["length"][this], table["theta"][this]))
    assert len(expected) == SHAPE["N"] - int(K), len(expected)
    run("theta.h5")
    for name in ("npz", "safetensors", "h"):
        calibrate("convert", "theta.h5", "-k", K, "-o", f"theta.{name}")
    assert run("theta.npz")["theta_of"] == expected
    provide_safetensors()
    assert run("theta.safetensors")["theta_of"] == expected
    check_header(expected)


def provide_safetensors():
    """Debian has no python3-safetensors: where it is not installed, what the reader needs of it, by the format."""
    try:
        import safetensors.numpy  # noqa: F401
        return
    except ImportError:
        pass
    numpy_types = {"F64": "f8", "F32": "f4", "I64": "i8", "I32": "i4"}

    def load_file(path):
        data = pathlib.Path(path).read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        entries = json.loads(data[8:start])
        entries.pop("__metadata__", None)
        return {name: np.frombuffer(data[start + e["data_offsets"][0]:start + e["data_offsets"][1]],
                                    numpy_types[e["dtype"]]).reshape(e["shape"]) for name, e in entries.items()}

    for name in ("safetensors", "safetensors.numpy"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["safetensors.numpy"].load_file = load_file


def check_header(expected):
    """The C program's choice on one row, against the table."""
    n = SHAPE["N"]
    scores = np.random.default_rng(8).standard_normal(n) * 4
    include, body = block("c", "theta.h").split("\n", 1)
    pathlib.Path("reader.c").write_text(
        f"#include <stdio.h>\n{include}\nstatic void keep(int j) {{ printf(\"%d\\n\", j); }}\n"
        f"int main(void) {{\n  int layer = {LAYER}, head = {HEAD}, n = {n};\n"
        f"  double scores[] = {{{', '.join(map(repr, scores.tolist()))}}};\n  {{\n{body}\n  }}\n  return 0;\n}}\n")
    subprocess.run(["cc", "-Wall", "-Werror", "reader.c", "-o", "reader"], check=True)
    kept = subprocess.run(["./reader"], check=True, capture_output=True, text=True).stdout.split()
    assert [int(j) for j in kept] == np.flatnonzero(scores > expected[n]).tolist()


def check_curve():
    calibrate("convert", "theta.h5", "--what", "curve", "-o", "curve.csv")
    pooled = run("curve.csv")
    calibrate("retarget", "theta.h5", "-k", K, "-o", "retargeted.h5")
    with h5py.File("retargeted.h5") as file:
        table = file[f"targets/{K}"]
        this = (table["layer"][:] == LAYER) & (table["head"][:] == HEAD)
        longest = table["theta"][this][np.argmax(table["length"][this])]
    # The curve's bins are 1/32 wide, and it pools rows of different lengths.
    assert abs(pooled["theta_64"] - longest) < 0.1, (pooled["theta_64"], longest)
    assert 0 < pooled["mass_64"] < 1


with tempfile.TemporaryDirectory() as directory:
    os.chdir(directory)
    check_writers()
    check_readers()
    check_curve()
