"""Attention dumps (docs/formats.md) from any Hugging Face decoder whose attention goes through transformers' registry.

    from toptheta.dump import Dumper
    with Dumper(model, "dump.h5") as dumper:
        for ids in token_ids:                 # lists, or tensors [length]
            dumper.add(ids)

or, for text files, `python -m toptheta.dump MODEL -o dump.h5 --text a.txt b.txt`; then `tt-calibrate fit dump.h5 -k 64`.

What is recorded is what attention multiplies: queries and keys after rotary embedding and norms, KV heads not repeated. Each
layer goes to the file as the forward pass reaches it: memory is the model's and one layer's.
"""
import argparse
import contextlib
import os
import pathlib
import sys
import tempfile
import warnings

import h5py
import numpy as np
import torch
import transformers
from transformers import AttentionInterface

NAME = "toptheta_dump"
VERSION = 1
ROWS_AT_A_TIME = 256  # that are scored together
DTYPES = ("float16", "bfloat16", "float32")

_active = None  # the dumper that attention calls go to; one at a time


class DumpError(RuntimeError):
    """Something that a dump cannot hold, or a model that cannot be watched."""


def _attention(module, query, key, value, attention_mask, scaling=None, dropout=0.0, **more):
    """In place of the model's own attention: the same numbers, by rows, and everything goes past the active dumper."""
    if _active is None:
        raise DumpError("attention '%s' runs only inside a Dumper" % NAME)
    scaling = query.shape[-1] ** -0.5 if scaling is None else float(scaling)
    cap, sinks = more.get("softcap"), more.get("s_aux")
    group = query.shape[1] // key.shape[1]
    keys = key.repeat_interleave(group, dim=1).float()
    values = value.repeat_interleave(group, dim=1)
    recorder = _active._begin_layer(module, query, key, value, scaling, cap, sinks, attention_mask)
    out = torch.empty(query.shape[0], query.shape[2], query.shape[1], value.shape[-1], dtype=query.dtype, device=query.device)
    for first in range(0, query.shape[2], ROWS_AT_A_TIME):
        rows = slice(first, min(first + ROWS_AT_A_TIME, query.shape[2]))
        scores = torch.matmul(query[:, :, rows].float(), keys.transpose(2, 3)) * scaling
        if cap:
            scores = torch.tanh(scores / cap) * cap
        recorder.scores(rows, scores)
        visible = _visible(attention_mask, rows, scores.shape[-1], scores.device)
        scores = scores.masked_fill(~visible, float("-inf"))
        if recorder.topk:
            scores = _keep_largest(scores, recorder.topk)
        if sinks is not None:
            sink = sinks.reshape(1, -1, 1, 1).float().expand(scores.shape[0], -1, scores.shape[2], 1)
            weights = torch.softmax(torch.cat([scores, sink], dim=-1), dim=-1)[..., :-1]
        else:
            weights = torch.softmax(scores, dim=-1)
        out[:, rows] = torch.matmul(weights.to(values.dtype), values).transpose(1, 2)
    recorder.finish()
    return out, None


def _visible(mask, rows, keys, device):
    """[1 or batch, 1, rows, keys]: which keys the rows may see."""
    if mask is None:
        positions = torch.arange(rows.start, rows.stop, device=device)
        return (torch.arange(keys, device=device)[None, :] <= positions[:, None])[None, None]
    part = mask[:, :, rows, :keys]
    return part if part.dtype == torch.bool else part > torch.finfo(part.dtype).min / 2


def _keep_largest(scores, k):
    if k >= scores.shape[-1]:
        return scores
    smallest = scores.topk(k, dim=-1).values[..., -1:]
    return scores.masked_fill(scores < smallest, float("-inf"))


def _register():
    AttentionInterface.register(NAME, _attention)
    # Without it transformers builds no mask for attention that it does not know, and causality is lost.
    from transformers.masking_utils import AttentionMaskInterface, eager_mask
    AttentionMaskInterface.register(NAME, eager_mask)


class _Layer:
    """One layer of one sample on its way to the file."""

    def __init__(self, dumper, group, positions, topk):
        self.group, self.positions, self.topk = group, positions, topk
        self._dumper, self._next = dumper, 0

    def scores(self, rows, scores):
        if self.group is None or self._dumper.content != "scores":
            return
        wanted = [p for p in self.positions if rows.start <= p < rows.stop]
        if not wanted:
            return
        block = scores[0, :, [p - rows.start for p in wanted]].cpu().numpy()
        for at, position in enumerate(wanted):
            block[:, at, position + 1:] = 0  # never looked at; zeros compress
        data = self.group["scores"]
        data[:, self._next:self._next + len(wanted)] = self._dumper._encode(block, self.group.name)
        self._next += len(wanted)

    def finish(self):
        if self.group is not None:
            self._dumper._file.flush()


class Dumper:
    """Watches a model and writes a dump, complete when the `with` block ends without an error, or not at all.

    content: "qk" (linear in the length; not for soft-capped scores), "scores", or "auto": qk where it can hold them.
    dtype:   "float16", "bfloat16" or "float32" in the file.
    rows:    query positions to record of each text: None = all, a number below 1 = this share, from 1 on = so many; drawn by
             `seed`, the same for all layers of a text.
    values:  with V (content "qk"), for the terms of Sum-of-dropped compensation.
    topk:    top-k at calibration: after a row is recorded the model attends to its `topk` largest scores only, so that later
             layers are seen as they will be in use. Layers in `dense_layers` attend to everything.
    windows: "refuse" or "skip" layers of which some row does not see all keys before it: a dump of version 1 cannot say so.
    """

    def __init__(self, model, path, content="auto", dtype="float16", rows=None, values=False, topk=0, dense_layers=(), seed=0,
                 name=None, windows="refuse"):
        if content not in ("auto", "qk", "scores") or dtype not in DTYPES or windows not in ("refuse", "skip"):
            raise ValueError("content is auto, qk or scores; dtype one of %s; windows refuse or skip" % (DTYPES,))
        self.config = model.config.get_text_config()
        cap = getattr(self.config, "attn_logit_softcapping", None)
        if content == "qk" and cap:
            raise DumpError("this model caps its scores: q and k do not give them; use content='scores'")
        self.content = ("scores" if cap else "qk") if content == "auto" else content
        if values and self.content != "qk":
            raise ValueError("values are recorded beside q and k only")
        self.model, self.path, self.dtype, self.rows, self.values = model, pathlib.Path(path), dtype, rows, values
        self.topk, self.dense_layers, self.seed, self.windows = topk, frozenset(dense_layers), seed, windows
        self.name = name or getattr(model.config, "_name_or_path", "") or model.config.model_type
        self._shape = self._file = self._sample = None
        self._samples, self._skipped = 0, set()

    def __enter__(self):
        global _active
        if _active is not None:
            raise DumpError("another Dumper is at work")
        _register()
        self._own = self.model.config._attn_implementation
        self.model.set_attn_implementation(NAME)
        descriptor, self._temporary = tempfile.mkstemp(dir=self.path.parent, prefix="." + self.path.name + ".", suffix=".tmp")
        os.close(descriptor)
        self._file = h5py.File(self._temporary, "w")
        _active = self
        return self

    def __exit__(self, kind, error, trace):
        global _active
        _active = None
        self.model.set_attn_implementation(self._own)
        self._file.close()
        try:
            if kind is None and self._samples == 0:
                raise DumpError("no text was added: the dump would hold no samples")
            if kind is None:
                mask = os.umask(0)
                os.umask(mask)
                os.chmod(self._temporary, 0o666 & ~mask)
                os.replace(self._temporary, self.path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temporary)
        if self._skipped and kind is None:
            warnings.warn("layers %s are not in the dump: some rows do not see all keys before them (sliding window)"
                          % sorted(self._skipped))

    def add(self, ids, name=None, source=""):
        """Runs the model on token ids, a list or a tensor [length], and records them as one sample."""
        ids = torch.as_tensor(ids, dtype=torch.long).reshape(1, -1).to(next(self.model.parameters()).device)
        length = ids.shape[1]
        if length == 0:
            raise ValueError("a text of no tokens")
        group = self._file.create_group("samples/%s" % (name or "%06d" % self._samples))
        group.attrs.update(kv_len=np.int64(length), phase="prefill")
        if source:
            group.attrs["source"] = source
        group["tokens"] = ids[0].cpu().numpy().astype("i4")
        self._sample, self._positions, self._seen = group, self._draw(length), 0
        group.create_group("layers")
        with torch.no_grad():
            self.model(input_ids=ids, use_cache=False)
        if self._seen == 0:
            raise DumpError("no attention call was seen: %s does not use transformers' attention registry"
                            % type(self.model).__name__)
        self._samples += 1

    def _draw(self, length):
        if self.rows is None:
            return np.arange(length)
        count = round(self.rows * length) if self.rows < 1 else int(self.rows)
        random = np.random.default_rng([self.seed, self._samples])
        return np.sort(random.choice(length, size=min(max(count, 1), length), replace=False))

    def _begin_layer(self, module, query, key, value, scaling, cap, sinks, mask):
        layer = getattr(module, "layer_idx", None)
        if layer is None or self._sample is None:
            raise DumpError("an attention layer without a number, or outside add()")
        if query.shape[0] != 1 or query.shape[2] != key.shape[2]:
            raise DumpError("one text at a time, without a cache: got queries %s and keys %s"
                            % (tuple(query.shape), tuple(key.shape)))
        self._seen += 1
        topk = 0 if layer in self.dense_layers else self.topk
        if not self._is_causal(mask, query.shape[2], layer):
            return _Layer(self, None, (), topk)
        if cap and self.content == "qk":
            raise DumpError("layer %d caps its scores: q and k do not give them; use content='scores'" % layer)
        self._check_shape(query, key, scaling)
        if sinks is not None:
            self._record_sinks(layer, sinks)
        group = self._sample["layers"].create_group(str(layer))
        if len(self._positions) < query.shape[2]:
            group["row_index"] = self._positions.astype("i4")
        if self.content == "scores":
            shape = (query.shape[1], len(self._positions), query.shape[2])
            self._mark(group.create_dataset("scores", shape, self._stored()))
        else:
            # The file has one scale; models that scale layers differently have it in their queries.
            q = query[0][:, torch.as_tensor(self._positions, device=query.device)].float() * (scaling / self._scale)
            for name, tensor in [("q", q), ("k", key[0])] + ([("v", value[0])] if self.values else []):
                array = self._encode(tensor.float().cpu().numpy(), "%s/%s" % (group.name, name))
                self._mark(group.create_dataset(name, data=array))
        return _Layer(self, group, self._positions, topk)

    def _is_causal(self, mask, length, layer):
        for first in range(0, length, ROWS_AT_A_TIME):
            rows = slice(first, min(first + ROWS_AT_A_TIME, length))
            if mask is None:
                continue
            seen = _visible(mask, rows, length, mask.device).reshape(rows.stop - rows.start, length)
            if torch.equal(seen, _visible(None, rows, length, mask.device)[0, 0]):
                continue
            if self.windows == "refuse":
                raise DumpError("layer %d has rows that do not see all keys before them (a sliding window of less than %d "
                                "tokens?): shorter texts, or windows='skip'" % (layer, length))
            self._skipped.add(layer)
            return False
        return True

    def _record_sinks(self, layer, sinks):
        """The logits beside the scores of a layer's heads; -inf in layers that have none."""
        if "sinks" not in self._file:
            shape = (self.config.num_hidden_layers, self._shape[0])
            self._file.create_dataset("sinks", data=np.full(shape, -np.inf, "f4"))
            self._file.attrs["has_sinks"] = np.int64(1)
        self._file["sinks"][layer] = sinks.detach().reshape(-1).float().cpu().numpy()

    def _check_shape(self, query, key, scaling):
        shape = (query.shape[1], key.shape[1], query.shape[3])
        if self._shape is None:
            self._shape, self._scale = shape, scaling
            self._file.attrs.update(
                format="toptheta.attention-dump", version=np.int64(VERSION), content=self.content,
                num_layers=np.int64(self.config.num_hidden_layers), num_heads=np.int64(shape[0]),
                num_kv_heads=np.int64(shape[1]), head_dim=np.int64(shape[2]), model=str(self.name),
                producer="toptheta.dump, transformers %s" % transformers.__version__)
            if self.content == "qk":
                self._file.attrs["scale"] = float(scaling)
            else:
                self._file.attrs["placement"] = "pre-softmax"
            if self.topk:
                self._file.attrs["topk_at_calibration"] = np.int64(self.topk)
        elif shape != self._shape:
            raise DumpError("heads differ between layers: %s and %s (query heads, KV heads, width)" % (self._shape, shape))

    def _stored(self):
        return "<u2" if self.dtype == "bfloat16" else {"float16": "<f2", "float32": "<f4"}[self.dtype]

    def _mark(self, dataset):
        if self.dtype == "bfloat16":
            dataset.attrs["dtype"] = "bfloat16"

    def _encode(self, array, where):
        """float32 as stored; refuses what the type cannot hold."""
        if self.dtype == "bfloat16":
            rounded = torch.from_numpy(np.ascontiguousarray(array)).to(torch.bfloat16)
            stored, finite = rounded.view(torch.int16).numpy().view("<u2"), bool(torch.isfinite(rounded).all())
        else:
            with np.errstate(over="ignore"):
                stored = array.astype(self._stored())
            finite = bool(np.isfinite(stored).all())
        if not finite:
            raise DumpError("%s: values that are not finite in %s%s" % (
                where, self.dtype, "; use dtype='bfloat16' or 'float32'" if np.isfinite(array).all() else ", as in the model"))
        return stored


def main():
    parser = argparse.ArgumentParser(prog="python -m toptheta.dump", description="Writes an attention dump of a model and texts.")
    parser.add_argument("model", help="a directory or name that transformers loads")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--text", nargs="+", required=True, help="text files, one sample for each --context tokens")
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--content", default="auto", choices=["auto", "qk", "scores"])
    parser.add_argument("--dtype", default="float16", choices=DTYPES)
    parser.add_argument("--rows", type=float, help="query positions of each sample: a share below 1, or how many")
    parser.add_argument("--values", action="store_true", help="record V too")
    parser.add_argument("--topk", type=int, default=0, help="top-k at calibration")
    parser.add_argument("--skip-windows", action="store_true", help="leave out layers with a sliding window shorter than the text")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype="auto").eval()
    windows = "skip" if options.skip_windows else "refuse"
    try:
        with Dumper(model, options.output, options.content, options.dtype, options.rows, options.values, options.topk,
                    seed=options.seed, windows=windows) as dumper:
            for path in options.text:
                ids = tokenizer(pathlib.Path(path).read_text(encoding="utf-8"))["input_ids"]
                for first in range(0, len(ids), options.context):
                    dumper.add(ids[first:first + options.context], source="%s, from token %d" % (path, first))
    except (DumpError, ValueError, OSError) as error:
        sys.exit("toptheta.dump: error: %s" % error)


if __name__ == "__main__":
    # As the module that it is elsewhere: attention calls find the active dumper there.
    from toptheta.dump import main as run
    run()
