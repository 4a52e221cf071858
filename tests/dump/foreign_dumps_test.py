"""Dumps that others made, good and bad, given to tt-calibrate fit: the right thresholds or a refusal, never a guess.

usage: foreign_dumps_test.py TT_CALIBRATE [CASES]

Makes dumps with h5py; CASES, a folder of dumps with a README of what is right, is passed over where it is absent.
"""
import contextlib
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

try:
    import h5py
    import numpy as np
except ImportError:
    print("SKIPPED: needs h5py and numpy")
    sys.exit(77)

FIT, CASES = sys.argv[1], pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "")
HEADS, LENGTH, DIM = 2, 40, 8
failures = []


def fit(path, k=4, more=()):
    """Status, standard error and the table's columns (None without a table)."""
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory, "out.h5")
        begin = time.monotonic()
        run = subprocess.run([FIT, "fit", str(path), "-k", str(k), "-o", str(out), *more], capture_output=True,
                             text=True, errors="replace", timeout=120)
        seconds = time.monotonic() - begin
        table = None
        if out.exists():
            with h5py.File(out) as file:
                table = [file["targets/%d/%s" % (k, name)][:] for name in ("layer", "head", "length", "theta")]
        left = [name for name in os.listdir(directory) if name != "out.h5"]
        if run.returncode != 0 and (run.stdout or table is not None) or left:
            failures.append("%s: output left behind by a failed run" % path)
        return run.returncode, run.stderr, table, seconds


def check(condition, name, found):
    if not condition:
        failures.append("%s: %s" % (name, found))
        print("FAILED", name, found)


def refused(path, *words, k=4, seconds=60):
    status, error, _, took = fit(path, k)
    check(status == 3, path.name, "status %d: %s" % (status, error))
    for word in words:
        check(word in error, path.name, "no '%s' in: %s" % (word, error))
    check(took < seconds, path.name, "took %.1f s" % took)


def accepted(path, like=None, k=4):
    status, error, table, _ = fit(path, k)
    check(status == 0, path.name, "status %d: %s" % (status, error))
    if like is not None and table is not None:
        check(all(np.array_equal(a, b) for a, b in zip(table, like)), path.name, "other thresholds")
    return table


def dump(path, content="scores", layers=2, samples=1, **more):
    """An open file with its attributes and groups; yields it and the groups of its layers."""
    file = h5py.File(path, "w", **more)
    file.attrs.update(format="toptheta.attention-dump", version=1, content=content, num_layers=layers, num_heads=HEADS,
                      num_kv_heads=1, head_dim=DIM)
    if content == "qk":
        file.attrs["scale"] = DIM ** -0.5
    else:
        file.attrs["placement"] = "pre-softmax"
    groups = []
    for sample in range(samples):
        group = file.create_group("samples/%03d" % sample)
        group.attrs.update(kv_len=LENGTH, phase="prefill")
        groups += [group.create_group("layers/%d" % layer) for layer in range(layers)]
    return file, groups


def scores_of(index):
    return np.random.default_rng(index).normal(size=(HEADS, LENGTH, LENGTH)).astype("f4")


def chunks_of(shape, chunk):
    return [tuple(at * side for at, side in zip(index, chunk))
            for index in np.ndindex(*[-(-size // side) for size, side in zip(shape, chunk)])]


def put(group, name, values, chunk, skip, **how):
    """Writes all chunks but those that `skip` says by their offset."""
    data = group.create_dataset(name, values.shape, values.dtype, chunks=chunk, **how)
    for place in chunks_of(values.shape, chunk):
        if not skip(place):
            box = tuple(slice(at, at + side) for at, side in zip(place, chunk))
            data[box] = values[box]


def chunked(path, chunk, skip, layers=2, **how):
    file, groups = dump(path, layers=layers)
    for index, group in enumerate(groups):
        put(group, "scores", scores_of(index), chunk, skip, **how)
    file.close()
    return path


# Of which the library reads some, and we the others.
STORAGES = {"plain": {}, "gzip": {"compression": "gzip"}, "shuffle": {"compression": "gzip", "shuffle": True},
            "fletcher32": {"fletcher32": True}, "lzf": {"compression": "lzf"}, "big": {}}


def never_written(folder):
    whole, groups = dump(folder / "whole.h5")
    for index, group in enumerate(groups):
        group["scores"] = scores_of(index)
    whole.close()
    table = accepted(folder / "whole.h5")
    for name, how in STORAGES.items():
        def path(what):
            return folder / ("%s-%s.h5" % (name, what))
        accepted(chunked(path("all"), (1, 8, 16), lambda place: False, **how), table)
        accepted(chunked(path("past"), (1, 8, 16), lambda place: place[2] > place[1] + 7, **how), table)
        refused(chunked(path("rows"), (1, 8, 40), lambda place: place[1] == 16, **how), "never written", "rows 16 to 23",
                "head 0")
        refused(chunked(path("head"), (1, 8, 40), lambda place: place[0] == 1, **how), "never written", "head 1")
        refused(chunked(path("keys"), (2, 40, 8), lambda place: place[2] == 8, **how), "never written", "keys 8 to 15")
        refused(chunked(path("none"), (2, 40, 8), lambda place: True, **how), "never written", "samples/000/layers/0/scores")


def never_written_elsewhere(folder):
    file, groups = dump(folder / "contiguous.h5")
    groups[0]["scores"] = scores_of(0)
    groups[1].create_dataset("scores", (HEADS, LENGTH, LENGTH), "f4")
    file.close()
    refused(folder / "contiguous.h5", "never written", "layers/1/scores")
    for part in ("q", "k", "row_index", "none"):
        path = folder / ("qk-%s.h5" % part)
        file, groups = dump(path, "qk")
        random = np.random.default_rng(1)
        for group in groups:
            put(group, "q", random.normal(size=(HEADS, LENGTH, DIM)).astype("f2"), (1, 10, DIM),
                lambda place: part == "q" and place[1] >= 20)
            put(group, "k", random.normal(size=(1, LENGTH, DIM)).astype("f2"), (1, 10, DIM),
                lambda place: part == "k" and place[1] >= 20)
            put(group, "row_index", np.arange(LENGTH, dtype="i4"), (10,), lambda place: part == "row_index" and place[0] == 20)
        file.close()
        if part == "none":
            accepted(path)
        else:
            refused(path, "never written", {"q": "rows 20 to 29", "k": "keys 20 to 29", "row_index": "20 to 29"}[part])
    # Rows that only look at their first keys: the others need not be there.
    file, groups = dump(folder / "sampled.h5", layers=1)
    groups[0]["row_index"] = np.array([3, 9, 15], "i4")
    put(groups[0], "scores", scores_of(0)[:, :3], (1, 3, 16), lambda place: place[2] >= 16)
    file.close()
    accepted(folder / "sampled.h5", k=2)


def elsewhere(folder):
    file, groups = dump(folder / "source.h5")
    for index, group in enumerate(groups):
        group["scores"] = scores_of(index) + 100
    file.close()
    for name, links in {"external": {"000": h5py.ExternalLink("source.h5", "/samples/000")},
                        "by-soft": {"000": h5py.SoftLink("/other")}}.items():
        file, _ = dump(folder / (name + ".h5"), samples=0)
        file["other"] = h5py.ExternalLink("source.h5", "/samples/000")
        samples = file.create_group("samples")
        for link, target in links.items():
            samples[link] = target
        file.close()
        refused(folder / (name + ".h5"), "external link", "source.h5")
    file, groups = dump(folder / "inside.h5", layers=1)
    file["data"] = scores_of(0)
    groups[0]["scores"] = h5py.SoftLink("/data")
    file.close()
    accepted(folder / "inside.h5")
    for source in ("source.h5", "gone.h5"):
        layout = h5py.VirtualLayout((HEADS, LENGTH, LENGTH), "f4")
        layout[:] = h5py.VirtualSource(source, "samples/000/layers/0/scores", (HEADS, LENGTH, LENGTH))
        file, groups = dump(folder / ("virtual-" + source), layers=1)
        groups[0].create_virtual_dataset("scores", layout)
        file.close()
        refused(folder / ("virtual-" + source), "virtual", source, "no such file" if source == "gone.h5" else "source")
    (folder / "raw").write_bytes(scores_of(0).tobytes())
    for number, raw in enumerate([str(folder / "raw"), "/etc/passwd"]):
        file, groups = dump(folder / ("raw-%d.h5" % number), layers=1)
        groups[0].create_dataset("scores", (HEADS, LENGTH, LENGTH), "f4", external=[(raw, 0, 4 * HEADS * LENGTH * LENGTH)])
        file.close()
        refused(folder / ("raw-%d.h5" % number), "external raw storage", raw)


def no_dumps(folder):
    os.mkfifo(folder / "pipe")
    for name in ("pipe", "/dev/zero", "/dev/null"):
        refused(folder / name, "not a regular file", seconds=20)
    refused(folder, "s a directory")
    (folder / "pointer.h5").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 5\n" % ("0" * 64))
    refused(folder / "pointer.h5", "Git LFS", "git lfs pull")
    file, groups = dump(folder / "held.h5")
    for index, group in enumerate(groups):
        group["scores"] = scores_of(index)
    file.flush()
    refused(folder / "held.h5", "open for writing")
    file.close()
    accepted(folder / "held.h5")


def large(folder):
    for name, value in [("num_layers", 1 << 20), ("num_heads", 1 << 19), ("head_dim", 1 << 20)]:
        file, groups = dump(folder / (name + ".h5"))
        for index, group in enumerate(groups):
            group["scores"] = scores_of(index)
        file.attrs[name] = value
        file.close()
        refused(folder / (name + ".h5"), name)
    # Declared, and never written: no memory is taken for it.
    for rows, keys in [(1 << 30, 1 << 30), (2, 1 << 30), (1 << 21, 1 << 21)]:
        path = folder / ("declared-%d-%d.h5" % (rows, keys))
        file, groups = dump(path, layers=1)
        file["samples/000"].attrs["kv_len"] = keys
        data = groups[0].create_dataset("scores", (HEADS, rows, keys), "f4", chunks=(1, 1, 1024), compression="gzip")
        data[0, 0, :8] = 1
        file.close()
        refused(path, seconds=30)
    # One chunk over all rows is decoded once.
    file, groups = dump(folder / "one-chunk.h5", layers=1)
    rows, keys = 3000, 8000
    file["samples/000"].attrs["kv_len"] = keys
    values = np.zeros((HEADS, rows, keys), "f2")
    values[:, :, ::7] = 1
    groups[0].create_dataset("scores", data=values, chunks=values.shape, compression="gzip", shuffle=True)
    file.close()
    _, _, _, took = fit(folder / "one-chunk.h5")
    check(took < 60, "one-chunk.h5", "took %.1f s" % took)


def damage(folder):
    """Texts of variable length, whose heap the library believes blindly."""
    file, groups = dump(folder / "texts.h5", layers=1)
    groups[0]["scores"] = scores_of(0)
    text = h5py.string_dtype()
    for number in range(20):
        file.attrs.create("text %d" % number, "some text %d" % number, dtype=text)
    file.close()
    accepted(folder / "texts.h5")
    whole = (folder / "texts.h5").read_bytes()
    random = np.random.default_rng(5)
    for heap in [at for at in range(len(whole)) if whole[at:at + 4] == b"GCOL"]:
        for number in range(60):
            damaged = bytearray(whole)
            at = heap + int(random.integers(8, 200))
            damaged[at] = int(random.integers(256))
            path = folder / ("heap-%d.h5" % number)
            path.write_bytes(damaged)
            status, error, _, took = fit(path)
            check(status in (0, 3), path.name, "status %d: %s" % (status, error))
            check(took < 60, path.name, "took %.1f s" % took)


RIGHT = {
    "virtual-without-source.h5": (8, ["virtual", "no such file"]),
    "rows-missing.h5": (8, ["never written", "rows 16 to 23"]),
    "head-missing.h5": (8, ["never written", "head 1"]),
    "G.h5": (4, ["external link", "B.h5"]),
    "external-raw-storage.h5": (4, ["external raw storage"]),
    "damaged-heap-segv.h5": (4, ["damaged"]),
    "damaged-heap-loop.h5": (4, ["damaged"]),
    "bigshape.h5": (4, ["num_layers"]),
}


def cases():
    folder = CASES / "dumps"
    if not folder.is_dir():
        print("SKIPPED: the cases in %s, which is not there" % (CASES or "a folder that was not given"))
        return
    for name, (k, words) in RIGHT.items():
        refused(folder / name, *words, k=k)
    for name in ("B.h5", "lzf.h5", "chunk-320MB.h5"):
        accepted(folder / name)
    # A table of 347 bytes whose layers and row lengths lie far apart: 2.6 GB once.
    table = CASES / "tables" / "far-apart-lengths.th.txt"
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "out.h5")
        run = subprocess.run([FIT, "convert", str(table), "-o", str(out)], capture_output=True, text=True, timeout=60)
        check(run.returncode == 3 and "262144" in run.stderr, table.name, "status %d: %s" % (run.returncode, run.stderr))
        check(not out.exists(), table.name, "an output file of a failed run")


def main():
    for test in (never_written, never_written_elsewhere, elsewhere, no_dumps, large, damage):
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(subprocess.TimeoutExpired):
            begin = time.monotonic()
            test(pathlib.Path(folder))
            print("%s: %.1f s" % (test.__name__, time.monotonic() - begin), flush=True)
    cases()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print("%d MiB at most" % peak)
    print("%d failures" % len(failures))
    sys.exit(1 if failures else 0)


main()
