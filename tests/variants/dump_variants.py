"""Attention dumps: other element types and attributes, other nesting, damage at other places."""
import h5py
import numpy as np

LAYERS, HEADS, KV_HEADS, DIM, LENGTH = 2, 2, 1, 8, 24
PLACE = "samples/0/layers/1/"
ALL = (HEADS, LENGTH, LENGTH)
RNG = np.random.default_rng(1)


def write(path, content, edit, attributes, options):
    with h5py.File(path, "w", **options) as file:
        given = dict(format="toptheta.attention-dump", version=1, content=content, num_layers=LAYERS, num_heads=HEADS,
                     num_kv_heads=KV_HEADS, head_dim=DIM)
        given.update({"scale": DIM ** -0.5} if content == "qk" else {"placement": "pre-softmax"})
        given.update(attributes)
        for name, value in given.items():
            if value is not None:
                file.attrs[name] = value
        for sample in range(2):
            group = file.create_group("samples/%d" % sample)
            group.attrs.update(kv_len=LENGTH, phase="prefill")
            for layer in range(LAYERS):
                place = group.create_group("layers/%d" % layer)
                shapes = {"scores": ALL} if content == "scores" else {"q": (HEADS, LENGTH, DIM), "k": (KV_HEADS, LENGTH, DIM)}
                for name, shape in shapes.items():
                    place[name] = RNG.normal(size=shape).astype("f4")
        edit(file)


def scores_as(element, **how):
    """The scores of one layer in another element type or layout."""
    def edit(file):
        del file[PLACE + "scores"]
        return file.create_dataset(PLACE + "scores", data=RNG.normal(size=ALL).astype(element), **how)
    return edit


def bfloat16(name, element="f4"):
    def edit(file):
        del file[PLACE + "scores"]
        values = RNG.normal(size=ALL).astype("f4")
        values = (values.view("u4") >> 16).astype("u2") if element == "u2" else values.astype(element)
        file.create_dataset(PLACE + "scores", data=values).attrs["dtype"] = name
    return edit


def instead(name, data):
    def edit(file):
        if PLACE + name in file:
            del file[PLACE + name]
        file[PLACE + name] = data
    return edit


def sample(name, value):
    return lambda file: file["samples/0"].attrs.__setitem__(name, value)


def partly_written(name, shape, chunks, boxes):
    """A data set of which only these boxes were written."""
    def edit(file):
        if PLACE + name in file:
            del file[PLACE + name]
        made = file.create_dataset(PLACE + name, shape=shape, dtype="f4" if name != "row_index" else "i4", chunks=chunks)
        for box in boxes:
            made[box] = np.arange(LENGTH)[box] if name == "row_index" else 0.5
    return edit


def sinks_partly_written(file):
    made = file.create_dataset("sinks", shape=(LAYERS, HEADS), dtype="f4", chunks=(1, HEADS))
    made[0] = 0.5


def same_layers(file):
    del file["samples/0/layers"]
    file["samples/0/layers"] = file["samples/1/layers"]


def at(name, where, value):
    return lambda file: file[PLACE + name].__setitem__(where, value)


def moved(name):
    return lambda file: file.move("samples/0/layers/1", "samples/0/layers/" + name)


def virtual(source, data="x", part=None):
    def edit(file):
        layout = h5py.VirtualLayout(shape=ALL, dtype="f4")
        whole = h5py.VirtualSource(source, data, shape=ALL)
        if part is None:
            layout[...] = whole
        else:
            layout[part] = whole[part]
        del file[PLACE + "scores"]
        file.create_virtual_dataset(PLACE + "scores", layout, fillvalue=0)
    return edit


def link(to):
    def edit(file):
        del file[PLACE + "scores"]
        file[PLACE + "scores"] = to
    return edit


ROWS = slice(None)
BANDS = [(ROWS, slice(a, a + 8), slice(0, a + 8)) for a in (0, 8, 16)]

# name: (what becomes of it, what is changed [, content, root attributes, options of the file])
CASES = {
    "plain": ("used", lambda file: None), "bfloat16": ("used", bfloat16("bfloat16", "u2")), "big-endian": ("used", scores_as(">f4")),
    "float64": ("used", scores_as("f8")), "compressed": ("used", scores_as("f4", chunks=(2, 7, 11), compression="gzip", shuffle=True,
                                                                          fletcher32=True)),
    "growing": ("used", scores_as("f4", maxshape=(None,) * 3, chunks=(1, 5, 5))), "int32": ("refused", scores_as("i4")),
    "uint16": ("refused", scores_as("u2")), "float128": ("refused", scores_as("f16")), "complex": ("refused", scores_as("c8")),
    "unknown-dtype": ("refused", bfloat16("float8", "u2")), "float16-said-bfloat16": ("refused", bfloat16("bfloat16", "f2")),
    "float32-said-bfloat16": ("refused", bfloat16("bfloat16")), "compound": ("refused", scores_as([("a", "f4")])),
    "text": ("refused", instead("scores", np.full(ALL, b"x"))), "scalar": ("refused", instead("scores", 1.0)),
    "empty": ("refused", instead("scores", h5py.Empty("f4"))), "too-many-rows": ("refused", instead("scores", np.ones((2, 25, 24), "f4"))),
    "too-wide": ("refused", instead("scores", np.ones((2, 24, 25), "f4"))),
    "kv-len-float": ("refused", sample("kv_len", 24.0)), "kv-len-two": ("refused", sample("kv_len", np.array([24, 24]))),
    "kv-len-text": ("refused", sample("kv_len", "24")), "kv-len-huge": ("refused", sample("kv_len", np.uint64(2 ** 63))),
    "kv-len-negative": ("refused", sample("kv_len", -24)), "kv-len-byte": ("used", sample("kv_len", np.uint8(24))),
    "phase-capital": ("refused", sample("phase", "Prefill")), "decode": ("used", sample("phase", "decode")),
    "version-2": ("refused", lambda file: None, "scores", {"version": 2}),
    "version-text": ("refused", lambda file: None, "scores", {"version": "1"}),
    "content-capital": ("refused", lambda file: None, "scores", {"content": "Scores"}),
    "placement-spelling": ("refused", lambda file: None, "scores", {"placement": "pre_softmax"}),
    "scale-missing": ("refused", lambda file: None, "qk", {"scale": None}), "scale-zero": ("refused", lambda file: None, "qk", {"scale": 0.0}),
    "scale-nan": ("refused", lambda file: None, "qk", {"scale": np.nan}),
    "scale-of-layers": ("refused", lambda file: None, "qk", {"scale": np.array([0.3, 0.4])}),
    "heads-not-grouped": ("refused", lambda file: None, "qk", {"num_kv_heads": 3}),
    "topk-negative": ("refused", lambda file: None, "scores", {"topk_at_calibration": -1}),
    "user-block": ("used", lambda file: None, "scores", {}, {"userblock_size": 512}),
    "dtype-contradicted": ("refused", bfloat16("float16")), "dtype-of-torch": ("used", bfloat16("torch.float32")),
    "layer-scale": ("refused", lambda file: file[PLACE].attrs.__setitem__("scale", 2.0), "qk"),
    "sample-heads": ("refused", sample("num_heads", 7)), "layer-placement": ("refused", lambda file: file[PLACE].attrs.__setitem__(
        "placement", "post-softmax")), "sample-same-heads": ("used", sample("num_heads", HEADS)),
    "rows-in-an-attribute": ("refused", lambda file: file[PLACE].attrs.__setitem__("row_index", np.arange(24))),
    "rows-beside-the-layers": ("refused", lambda file: file["samples/0"].create_dataset("row_index", data=np.arange(24))),
    "scale-of-queries": ("refused", lambda file: file[PLACE + "q"].attrs.__setitem__("scale", 2.0), "qk"),
    "mask-1e9": ("refused", at("scores", (0, 9, 3), -1e9)), "mask-added": ("refused", at("scores", (0, 9, 3), np.float32(-1e10) + 3)),
    "mask-1e9-past-causal": ("used", at("scores", (0, 9, 20), -1e9)), "low-score": ("used", at("scores", (0, 9, 3), -1e8)),
    "hole-in-sinks": ("refused", sinks_partly_written), "layers-of-another-sample": ("refused", same_layers),
    "mask-float16": ("refused", at("scores", (0, 9, 3), -65504.0)), "mask-float32": ("refused", at("scores", (0, 9, 3), np.finfo("f4").min)),
    "mask-past-causal": ("used", at("scores", (0, 9, 20), np.finfo("f4").min)),
    "live-not-ended": ("refused", lambda file: file.__setitem__("progress", np.array([1, 0]))),
    "live-ended": ("used", lambda file: file.__setitem__("progress", np.array([2, 1]))),
    "layer-twice": ("refused", lambda file: file.copy(file["samples/0/layers/1"], file["samples/0/layers"], name="01")),
    "layer-beyond": ("refused", moved("7")), "layer-word": ("refused", moved("one")), "layer-plus": ("refused", moved("+1")),
    "rows-twice": ("refused", instead("row_index", np.zeros(LENGTH, "i4"))), "rows-beyond": ("refused", instead("row_index", np.arange(1, 25))),
    "rows-negative": ("refused", instead("row_index", np.arange(-1, 23))), "rows-float": ("refused", instead("row_index", np.arange(24.0))),
    "rows-short": ("refused", instead("row_index", np.arange(23))), "rows-wrapping": ("refused", instead("row_index", np.arange(24) + 2 ** 32)),
    "rows-wide-type": ("used", instead("row_index", np.arange(24, dtype="i8"))),
    "nan": ("refused", at("scores", (0, 5, 3), np.nan)), "infinite": ("refused", at("scores", (0, 5, 3), np.inf)),
    "nan-past-causal": ("used", at("scores", (0, 5, 20), np.nan)), "all-equal": ("used", at("scores", Ellipsis, 1.0)),
    "nan-key": ("refused", at("k", (0, 5, 3), np.nan), "qk"), "key-missing": ("refused", lambda file: file.__delitem__(PLACE + "k"), "qk"),
    "values-shape": ("refused", instead("v", np.ones((1, 25, 8), "f4")), "qk"),
    "query-transposed": ("refused", instead("q", np.ones((24, 2, 8), "f4")), "qk"),
    "hole-in-rows": ("refused", partly_written("scores", ALL, (1, 8, 8), [(ROWS, slice(0, 8), ROWS), (ROWS, slice(16, 24), ROWS)])),
    "hole-on-diagonal": ("refused", partly_written("scores", ALL, (1, 8, 8), BANDS[:2] + [(ROWS, slice(16, 24), slice(0, 16))])),
    "holes-past-causal": ("used", partly_written("scores", ALL, (1, 8, 8), BANDS)),
    "never-written": ("refused", partly_written("scores", ALL, None, [])),
    "half-the-keys": ("refused", partly_written("k", (1, 24, 8), (1, 8, 8), [(0, slice(0, 16))]), "qk"),
    "one-head-of-queries": ("refused", partly_written("q", (2, 24, 8), (1, 24, 8), [(0,)]), "qk"),
    "hole-in-row-index": ("refused", partly_written("row_index", (24,), (4,), [slice(0, 20)])),
    "virtual": ("refused", virtual("beside.h5")), "virtual-missing": ("refused", virtual("none.h5")),
    "virtual-other-name": ("refused", virtual("beside.h5", "y")), "virtual-half": ("refused", virtual("beside.h5", part=0)),
    "link-outside": ("refused", link(h5py.ExternalLink("beside.h5", "x"))), "link-missing": ("refused", link(h5py.ExternalLink("none.h5", "x"))),
    "link-inside": ("used", link(h5py.SoftLink("/samples/1/layers/1/scores"))), "link-nowhere": ("refused", link(h5py.SoftLink("/none"))),
    "sample-twice-hard": ("refused", lambda file: file["samples"].__setitem__("again", file["samples/0"])),
    "sample-twice-soft": ("refused", lambda file: file["samples"].__setitem__("again", h5py.SoftLink("/samples/1"))),
    "loop-of-links": ("refused", lambda file: file["samples"].__setitem__("loop", h5py.SoftLink("/samples"))),
    "sample-no-group": ("refused", lambda file: file.create_dataset("samples/2", data=1)),
    "no-samples": ("refused", lambda file: file.__delitem__("samples")), "no-layers": ("refused", lambda file: file.__delitem__("samples/0/layers")),
    "raw-storage": ("refused", lambda file: (file.__delitem__(PLACE + "scores"), file.create_dataset(
        PLACE + "scores", shape=ALL, dtype="f4", external=[("raw.bin", 0, 4 * HEADS * LENGTH * LENGTH)]))),
}


def variants(folder, _):
    with h5py.File(folder / "beside.h5", "w") as file:
        file["x"] = RNG.normal(size=ALL).astype("f4")
    (folder / "raw.bin").write_bytes(np.ones(ALL, "f4").tobytes())

    def maker(edit, content="scores", attributes={}, options={}):
        def make():
            write(folder / "dump.h5", content, edit, attributes, options)
            return "dump.h5"
        return make
    return {name: (case[0], maker(*case[1:])) for name, case in CASES.items()}
