"""Writes dumps with h5py as a user would, in every element type, layout and spelling of attributes.

usage: h5py_dumps.py DIRECTORY

For every dump NAME.h5 there is NAME.txt with what a reader must find: a line "layer head length score ..." per row,
scores with 9 significant digits, which identify a float32.
"""
import itertools
import pathlib
import sys

import h5py
import numpy as np

HEADS, KV_HEADS, HEAD_DIM, LENGTH = 4, 2, 8, 19
STORAGE = {
    "contiguous": {},
    "chunked": {"chunks": (2, 5, 8)},
    "gzip": {"chunks": (1, 16, 8), "compression": "gzip", "compression_opts": 4},
    "shuffle": {"chunks": (4, 3, 5), "compression": "gzip", "shuffle": True},
    "fletcher32": {"chunks": (3, 10, 8), "fletcher32": True},
    # Left to the HDF5 library.
    "lzf": {"chunks": (2, 8, 8), "compression": "lzf", "shuffle": True},
    "szip": {"chunks": (2, 8, 8), "compression": "szip", "compression_opts": ("nn", 8)},
}
ELEMENTS = ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "bf16", "bf16-big"]


def encode(values, element):
    """Values as stored, and the float32 numbers they stand for."""
    if element.startswith("bf16"):
        bits = (values.astype("<f4").view("<u4") >> 16).astype("<u2")
        return bits.astype(">u2" if element == "bf16-big" else "<u2"), (bits.astype("<u4") << 16).view("<f4")
    stored = values.astype(element)
    return stored, stored.astype("<f4")


def put(group, name, values, element, storage):
    stored, meant = encode(values, element)
    storage = dict(storage)
    if "chunks" in storage:
        storage["chunks"] = tuple(map(min, storage["chunks"], values.shape))
    dataset = group.create_dataset(name, data=stored, **storage)
    if element.startswith("bf16"):
        dataset.attrs["dtype"] = np.bytes_("bfloat16") if element == "bf16-big" else "bfloat16"
    return meant


def write_header(file, content, number):
    """Attributes spelled differently from dump to dump."""
    integer = [np.int8, np.int16, np.int32, np.int64, np.uint8, ">i2", ">u4", lambda v: np.array([v])][number % 8]
    whole = integer if callable(integer) else (lambda v: np.array(v, dtype=integer)[()])
    text = [str, np.bytes_, lambda s: np.array(s, dtype=h5py.string_dtype("ascii"))][number % 3]
    file.attrs["format"] = text("toptheta.attention-dump")
    file.attrs["content"] = text(content)
    file.attrs["placement"] = text("pre-softmax")
    file.attrs["version"] = whole(1)
    for name, value in [("num_layers", 3), ("num_heads", HEADS), ("num_kv_heads", KV_HEADS), ("head_dim", HEAD_DIM)]:
        file.attrs.create(name, whole(value), dtype=None if callable(integer) else integer)
    file.attrs.create("scale", 0.25, dtype=["<f2", "<f4", "<f8", ">f4"][number % 4])
    file.attrs["model"] = text("tiny")
    file.attrs["extra"] = [1, 2, 3]
    return whole, text


def write_layer(layer, content, element, storage, random, positions, expected, number):
    rows = len(positions)
    if content == "scores":
        values = random.normal(size=(HEADS, rows, LENGTH)) * 3
        for row, position in enumerate(positions):
            values[:, row, position + 1:] = np.nan
        scores = put(layer, "scores", values, element, storage)
    else:
        q = put(layer, "q", random.normal(size=(HEADS, rows, HEAD_DIM)), element, storage)
        k = put(layer, "k", random.normal(size=(KV_HEADS, LENGTH, HEAD_DIM)), element, storage)
        group = np.repeat(k.astype("f8"), HEADS // KV_HEADS, axis=0)
        scores = (0.25 * np.einsum("hrd,hkd->hrk", q.astype("f8"), group)).astype("<f4")
    for head in range(HEADS):
        for row, position in enumerate(positions):
            line = [str(number), str(head), str(position + 1)]
            expected.append(" ".join(line + ["%.9g" % s for s in scores[head, row, :position + 1]]))


def write_dump(path, content, element, storage, number):
    random = np.random.default_rng(number)
    expected = []
    with h5py.File(path.with_suffix(".h5"), "w", libver="latest" if number % 2 else "earliest") as file:
        whole, text = write_header(file, content, number)
        sample = file.create_group("samples/one")
        sample.attrs["kv_len"] = whole(LENGTH)
        sample.attrs["phase"] = text("prefill")
        for layer_number, positions in [(0, np.arange(LENGTH)), (2, random.permutation(LENGTH)[:10])]:
            layer = sample.create_group("layers/%d" % layer_number)
            if layer_number == 2:
                layer.create_dataset("row_index", data=positions.astype([">i4", "<i4", "<i8", "<u2"][number % 4]))
            write_layer(layer, content, element, storage, random, positions, expected, layer_number)
    path.with_suffix(".txt").write_text("\n".join(expected) + "\n")


def main():
    directory = pathlib.Path(sys.argv[1])
    cases = itertools.product(["scores", "qk"], ELEMENTS, STORAGE)
    for number, (content, element, storage) in enumerate(cases):
        name = "%s-%s-%s" % (content, element.replace("<", "le-").replace(">", "be-"), storage)
        write_dump(directory / name, content, element, STORAGE[storage], number)


main()
