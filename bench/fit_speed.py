#!/usr/bin/env python3
"""Speed and memory of whole fits, `tt-calibrate fit` on warm dumps of every layout, beside h5py and numpy.

usage: fit_speed.py TT_CALIBRATE [--size GB] [--threads N] [--repetitions N] [--directory DIR] [--only NAME ...] [--json FILE]

For each layout a dump is written, read once, fitted several times and removed. The rate is file size (for gzip also:
uncompressed size) over the median wall time of the whole program. h5py reads the same data set on one core;
numpy.partition finds one value per row of the same rows, in float32, on one core. Memory is the largest RssAnon: pages of
the mapped dump come and go and belong to the page cache. Needs python3-h5py, and free memory for the dump.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import threading
import time

import h5py
import numpy as np

HEADS, ROWS = 8, 512
# name: element, keys, chunk, gzip level, shuffle, significant bits kept (0: all)
LAYOUTS = {
    "f32, 1k keys": ("f4", 1280, None, 0, False, 0),
    "f32, 4k keys": ("f4", 4096, None, 0, False, 0),
    "f32, 16k keys": ("f4", 16384, None, 0, False, 0),
    "f32, 64k keys": ("f4", 65536, None, 0, False, 0),
    "f16, 1k keys": ("f2", 1280, None, 0, False, 0),
    "f16, 4k keys": ("f2", 4096, None, 0, False, 0),
    "f16, 16k keys": ("f2", 16384, None, 0, False, 0),
    "bf16, 4k keys": ("bf16", 4096, None, 0, False, 0),
    "f32, chunks of 2 MB": ("f4", 4096, (1, 128, 4096), 0, False, 0),
    "f32, chunks of 32 KB": ("f4", 4096, (1, 8, 1024), 0, False, 0),
    "f16, gzip 4, shuffle": ("f2", 4096, (1, 64, 4096), 4, True, 0),
    "f32, gzip 4, shuffle": ("f4", 4096, (1, 32, 4096), 4, True, 13),
    "f32, gzip 4, h5py's own chunks": ("f4", 4096, True, 4, False, 13),
}


def scores(rng, keys, dropped_bits):
    """One head: normal scores around a level of the row's own, as attention scores are."""
    values = rng.standard_normal((ROWS, keys), dtype=np.float32) * 3 + rng.standard_normal((ROWS, 1), dtype=np.float32)
    if dropped_bits:
        values = (values.view(np.uint32) & np.uint32(0xFFFFFFFF << dropped_bits & 0xFFFFFFFF)).view(np.float32)
    return values


def write_dump(path, layout, size):
    element, keys, chunk, level, shuffle, dropped = layout
    width = {"f4": 4, "f2": 2, "bf16": 2}[element]
    samples = max(1, round(size / (HEADS * ROWS * keys * width)))
    rng = np.random.default_rng(1)
    some = [scores(rng, keys, dropped) for _ in range(4)]
    if element == "bf16":
        some = [(values.view(np.uint32) >> 16).astype(np.uint16) for values in some]
    elif element == "f2":
        some = [values.astype(np.float16) for values in some]
    storage = {"chunks": chunk} if chunk else {}
    if level:
        storage |= {"compression": "gzip", "compression_opts": level, "shuffle": shuffle}
    with h5py.File(path, "w") as file:
        for name, value in [("format", "toptheta.attention-dump"), ("version", 1), ("content", "scores"),
                            ("placement", "pre-softmax"), ("num_layers", 1), ("num_heads", HEADS),
                            ("num_kv_heads", HEADS), ("head_dim", 0)]:
            file.attrs[name] = value
        for number in range(samples):
            sample = file.create_group(f"samples/{number:05}")
            sample.attrs["kv_len"], sample.attrs["phase"] = keys, "prefill"
            dtype = np.uint16 if element == "bf16" else np.dtype(element)
            data = sample.create_dataset("layers/0/scores", (HEADS, ROWS, keys), dtype, **storage)
            if element == "bf16":
                data.attrs["dtype"] = "bfloat16"
            for head in range(HEADS):
                data[head] = some[(number + head) % len(some)]
    return samples * HEADS * ROWS * keys * width


def fit(program, path, output, threads):
    """Seconds, and the most anonymous memory in MB."""
    begin = time.perf_counter()
    process = subprocess.Popen([program, "fit", str(path), "-k", "64", "-o", str(output), "-q", "--threads", str(threads)],
                               stdout=subprocess.DEVNULL)
    most = 0

    def watch():
        nonlocal most
        while process.poll() is None:
            try:
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                most = max(most, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")), 0)
            except OSError:
                pass
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = process.wait()
    seconds = time.perf_counter() - begin
    watcher.join()
    if status != 0:
        raise SystemExit(f"fit of {path} failed: {status}")
    return seconds, most / 1024


def peers(path, element):
    """GB/s of h5py's reading and of numpy.partition, on one core, of some samples."""
    read = part = nbytes = 0
    with h5py.File(path) as file:
        for sample in list(file["samples"].values())[:2]:
            begin = time.perf_counter()
            values = sample["layers/0/scores"][...]
            read += time.perf_counter() - begin
            nbytes += values.nbytes
            rows = (values.astype(np.uint32) << 16).view(np.float32) if element == "bf16" else values.astype(np.float32)
            begin = time.perf_counter()
            np.partition(rows, rows.shape[2] - 65, axis=2)
            part += time.perf_counter() - begin
    return nbytes / read / 1e9, nbytes / part / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--size", type=float, default=1, help="GB of scores in a dump")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--directory", default=".")
    parser.add_argument("--only", nargs="*", default=list(LAYOUTS))
    parser.add_argument("--json")
    arguments = parser.parse_args()
    path = pathlib.Path(arguments.directory) / "fit_speed_dump.h5"
    table = path.with_name("fit_speed_table.h5")
    results = []
    print("| layout | GB of file | fit: GB/s of file | of scores | spread | h5py, one core | numpy.partition, one core "
          "| fit / partition | RssAnon MB |\n|---|---|---|---|---|---|---|---|---|")
    try:
        for name in arguments.only:
            nbytes = write_dump(path, LAYOUTS[name], arguments.size * 1e9)
            os.sync()
            with open(path, "rb") as file:
                while file.read(1 << 24):
                    pass
            runs = [fit(arguments.program, path, table, arguments.threads) for _ in range(arguments.repetitions)]
            times = [seconds for seconds, _ in runs]
            median = statistics.median(times)
            read, part = peers(path, LAYOUTS[name][0])
            size = path.stat().st_size
            one = {"layout": name, "bytes": size, "scores": nbytes, "seconds": median, "h5py": read, "partition": part,
                   "file_rate": size / median / 1e9, "rate": nbytes / median / 1e9, "spread": (max(times) - min(times)) / median,
                   "rss_anon_mb": max(memory for _, memory in runs)}
            results.append(one)
            print(f"| {name} | {size / 1e9:.2f} | {one['file_rate']:.2f} | {one['rate']:.2f} | {100 * one['spread']:.0f}% "
                  f"| {read:.2f} | {part:.3f} | {one['rate'] / part:.0f}x | {one['rss_anon_mb']:.0f} |", flush=True)
    finally:
        path.unlink(missing_ok=True)
        table.unlink(missing_ok=True)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({"threads": arguments.threads, "fits": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
