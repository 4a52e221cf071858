"""toptheta.dump with the real transformers: what is recorded gives the model's own attention weights, and tt-calibrate fits the
same thresholds from it as from the model itself.

usage: dump_test.py TT_CALIBRATE ARCHITECTURES   (models in folders: config.json, model.safetensors, tokenizer.json)
"""
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
    import torch
    import transformers
    from transformers import AttentionInterface  # noqa: F401  from 4.48 on
except ImportError as error:
    print("SKIPPED: needs torch, transformers and h5py (scripts/setup-python): %s" % error)
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
from toptheta.dump import Dumper, DumpError  # noqa: E402

FIT, MODELS = sys.argv[1], pathlib.Path(sys.argv[2])


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def refuses(what, action, *words):
    try:
        action()
    except (DumpError, ValueError) as error:
        expect(all(word in str(error) for word in words), "%s: %s" % (what, error))
    else:
        raise AssertionError("%s: not refused" % what)


def tiny(kind="llama", **more):
    torch.manual_seed(1)
    config = transformers.AutoConfig.for_model(
        kind, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        head_dim=8, vocab_size=100, max_position_embeddings=256, pad_token_id=0, **more)
    return transformers.AutoModelForCausalLM.from_config(config).eval().float()


def their_weights(model, ids):
    model.set_attn_implementation("eager")
    with torch.no_grad():
        return [w[0].numpy() for w in model(input_ids=torch.tensor([ids]), output_attentions=True, use_cache=False).attentions]


def scores_in(path, layer, sample="000000"):
    with h5py.File(path) as file:
        group = file["samples/%s/layers/%d" % (sample, layer)]
        if "scores" in group:
            return group["scores"][:].astype("f8")
        q, k = group["q"][:].astype("f8"), group["k"][:].astype("f8")
        return file.attrs["scale"] * np.einsum("hrd,hkd->hrk", q, np.repeat(k, q.shape[0] // k.shape[0], axis=0))


def softmax(scores, positions, sinks=None):
    """Without the sinks' own weights, one logit a head beside the scores."""
    scores = np.where(np.arange(scores.shape[-1])[None, None, :] <= np.asarray(positions)[None, :, None], scores, -np.inf)
    largest = scores.max(-1, keepdims=True)
    weights = np.exp(scores - largest)
    beside = 0 if sinks is None else np.exp(np.asarray(sinks, "f8")[:, None, None] - largest)
    return weights / (weights.sum(-1, keepdims=True) + beside)


def recorded_weights_are_theirs(model, path, content):
    ids = [int(i) for i in np.random.default_rng(2).integers(3, model.config.get_text_config().vocab_size, 40)]
    with Dumper(model, path, content=content, dtype="float32", windows="skip") as dumper:
        dumper.add(ids)
    own = model.config._attn_implementation
    with h5py.File(path) as file:
        there = [int(layer) for layer in file["samples/000000/layers"]]
        sinks = file["sinks"][:] if "sinks" in file else [None] * model.config.get_text_config().num_hidden_layers
        expect(("sinks" in file) == (file.attrs.get("has_sinks", 0) == 1), "has_sinks does not say what is there")
    for layer, weights in enumerate(their_weights(model, ids)):
        if layer not in there:
            continue  # a window
        largest = np.abs(softmax(scores_in(path, layer), range(40), sinks[layer]) - weights).max()
        expect(largest < 1e-5, "layer %d: weights differ by %g" % (layer, largest))
    model.set_attn_implementation(own)


def logits_stay(model, folder):
    ids = torch.arange(5, 45)
    with torch.no_grad():
        before = model(input_ids=ids[None], use_cache=False).logits
        seen = []
        hook = model.register_forward_hook(lambda _, __, out: seen.append(out.logits))
        with Dumper(model, folder / "x.h5") as dumper:
            dumper.add(ids)
        hook.remove()
    expect(torch.allclose(before, seen[0], atol=1e-4), "watching changes the logits")


def sampled_rows_and_types(model, folder):
    ids = list(range(3, 63))
    with Dumper(model, folder / "all.h5", dtype="float32", values=True) as dumper:
        dumper.add(ids)
    for dtype in ("float16", "bfloat16", "float32"):
        with Dumper(model, folder / "rows.h5", dtype=dtype, rows=0.25, content="scores") as dumper:
            dumper.add(ids)
        with h5py.File(folder / "rows.h5") as file:
            data = file["samples/000000/layers/1/scores"]
            rows = file["samples/000000/layers/1/row_index"][:]
            stored = data[:]
            if dtype == "bfloat16":
                expect(data.attrs["dtype"] == "bfloat16", "no mark of bfloat16")
                stored = (stored.astype("u4") << 16).view("f4")
        expect(len(rows) == 15 and (np.diff(rows) > 0).all(), "15 different rows: %s" % rows)
        whole = scores_in(folder / "all.h5", 1)
        for at, row in enumerate(rows):
            largest = np.abs(stored[:, at, :row + 1] - whole[:, row, :row + 1]).max()
            expect(largest < (0.05 if dtype == "bfloat16" else 0.005), "%s: row %d differs by %g" % (dtype, row, largest))
    with h5py.File(folder / "all.h5") as file:
        expect(file["samples/000000/layers/2/v"].shape == (2, 60, 8), "values")


def topk_changes_what_follows(model, folder):
    ids = list(range(3, 63))
    with Dumper(model, folder / "dense.h5", dtype="float32") as dumper:
        dumper.add(ids)
    with Dumper(model, folder / "tac.h5", dtype="float32", topk=4) as dumper:
        dumper.add(ids)
    with h5py.File(folder / "tac.h5") as file:
        expect(file.attrs["topk_at_calibration"] == 4, "topk_at_calibration")
    expect(np.array_equal(scores_in(folder / "dense.h5", 0), scores_in(folder / "tac.h5", 0)), "the first layer sees the same")
    expect(not np.allclose(scores_in(folder / "dense.h5", 1), scores_in(folder / "tac.h5", 1), atol=1e-6), "the next does not")


def refusals(folder):
    window = tiny("mistral", sliding_window=16)
    path = folder / "window.h5"

    def dump(model, length, **how):
        with Dumper(model, path, **how) as dumper:
            dumper.add(list(range(3, 3 + length)))

    refuses("window", lambda: dump(window, 40), "sliding window")
    expect(not path.exists() and not list(folder.glob(".window*")), "a failed dump leaves a file")
    dump(window, 12)
    refuses("nothing added", lambda: Dumper(window, path).__enter__().__exit__(None, None, None), "no samples")
    big = tiny()
    with torch.no_grad():
        big.model.layers[0].self_attn.k_proj.weight.mul_(1e7)
    refuses("float16", lambda: dump(big, 12), "float16", "bfloat16")
    dump(big, 12, dtype="bfloat16")
    refuses("capped", lambda: dump(tiny("gemma2", attn_logit_softcapping=20.0), 12, content="qk"), "scores")


def table(*words):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "t.json")
        run = subprocess.run([FIT, "fit", *map(str, words), "-k", "8", "-o", str(out)], capture_output=True, text=True)
        expect(run.returncode == 0, run.stderr)
        return json.loads(out.read_text())["targets"]


def numbers_in(value):
    if isinstance(value, dict):
        return [n for key in sorted(value) for n in numbers_in(value[key])]
    if isinstance(value, list):
        return [n for item in value for n in numbers_in(item)]
    return [float(value)] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def fits_as_from_the_model(name, folder):
    """The model's folder, given to both."""
    where, text = MODELS / name, folder / "text.txt"
    text.write_text((MODELS / name / "text.txt").read_text()[:300] if (MODELS / name / "text.txt").exists() else "A cat sat. " * 20)
    ours = folder / (name + "-ours.h5")
    run = subprocess.run([FIT, "dump", "--model", str(where), "--text", str(text), "--context", "48", "--content", "qk", "-o",
                          str(ours)], capture_output=True, text=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32).eval()
    recorded_weights_are_theirs(model, folder / "w.h5", "auto")
    if any("sliding" in kind for kind in getattr(model.config, "layer_types", None) or []):
        print("%s: its windows leave out layers of a dump, but not of a fit from the model: weights compared, no tables" % name)
        return
    if run.returncode == 3:
        print("%s: SKIPPED against tt-calibrate, which refuses it: %s" % (name, run.stderr.splitlines()[0]))
        return
    theirs = folder / (name + "-theirs.h5")
    with h5py.File(ours) as file, Dumper(model, theirs, dtype="float32") as dumper:
        for sample in file["samples"].values():
            dumper.add(sample["tokens"][:])
    one, other = table("--model", where, "--text", text, "--context", 48), table(theirs)
    expect(one[0].keys() == other[0].keys(), "other fields")
    a, b = np.array(numbers_in(one)), np.array(numbers_in(other))
    expect(a.shape == b.shape, "%s: other lengths" % name)
    largest = np.abs(a - b).max()
    expect(largest < 2e-3, "%s: thresholds differ by %g" % (name, largest))
    print("%s: %d numbers of two tables, largest difference %.2g" % (name, len(a), largest))


def main():
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        for kind, content in (("llama", "qk"), ("qwen3", "qk"), ("gemma2", "scores"), ("gemma2", "auto")):
            recorded_weights_are_theirs(tiny(kind), folder / "w.h5", content)
        model = tiny()
        logits_stay(model, folder)
        sampled_rows_and_types(model, folder)
        topk_changes_what_follows(model, folder)
        refusals(folder)
        if not MODELS.is_dir():
            print("SKIPPED: the models in %s, which is not there" % MODELS)
            return
        sinks = transformers.AutoModelForCausalLM.from_pretrained(MODELS / "gpt_oss", dtype=torch.float32).eval()
        recorded_weights_are_theirs(sinks, folder / "w.h5", "scores")
        for name in ("llama_plain", "qwen3", "gemma2"):
            fits_as_from_the_model(name, folder)
    print("passed")


main()
