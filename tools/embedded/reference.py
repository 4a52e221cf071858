"""The exported model read back and run in float32: what the numbers in data/README.md are measured with.

Model(directory) reads config.json and model.safetensors; run(ids, cache, topk) gives logits. With topk, every row of every
layer keeps its k largest scores and the softmax runs over those alone (exact top-k, renormalised).
"""
import ctypes
import json
import os
import struct

import torch

import model


def _onednn():
    """oneDNN's float32 product if the library can be found (Debian's PyTorch sits on the reference BLAS)."""
    for name in ("libdnnl.so.2", "libdnnl.so.3", "libdnnl.so"):
        try:
            return ctypes.CDLL(name).dnnl_sgemm
        except (OSError, AttributeError):
            continue
    return None


SGEMM = _onednn()


def product_t(a, b):
    """a (M, K) times b (N, K) transposed, float32."""
    if SGEMM is None:
        return a @ b.t()
    a, b = a.contiguous(), b.contiguous()
    out = torch.empty(a.shape[0], b.shape[0])
    size, pointer = ctypes.c_int64, lambda t: ctypes.c_void_p(t.data_ptr())
    status = SGEMM(ctypes.c_char(b"N"), ctypes.c_char(b"T"), size(a.shape[0]), size(b.shape[0]), size(a.shape[1]),
                   ctypes.c_float(1), pointer(a), size(a.shape[1]), pointer(b), size(a.shape[1]), ctypes.c_float(0),
                   pointer(out), size(b.shape[0]))
    assert status == 0
    return out


def read_safetensors(path):
    """{name: float32 tensor} of a file of BF16 tensors."""
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        data = f.read()
    out = {}
    for name, t in header.items():
        if name != "__metadata__":
            assert t["dtype"] == "BF16"
            a, b = t["data_offsets"]
            raw = torch.frombuffer(bytearray(data[a:b]), dtype=torch.int16)
            out[name] = raw.view(torch.bfloat16).float().view(t["shape"])
    return out


def sparse(s, v, topk, form, old):
    """One head's output from its k largest scores a row. s: (n, old + n), future masked; v: (old + n, head_dim)."""
    drop = s < s.topk(topk, -1).values[:, -1:]
    if form == "renormalised":
        return product_t(torch.softmax(s.masked_fill(drop, float("-inf")), -1), v.t())
    p = torch.softmax(s, -1).masked_fill(drop, 0.0)
    out = product_t(p, v.t())
    if form == "mean":
        mean = (v.cumsum(0) / torch.arange(1, len(v) + 1)[:, None])[old:]
        out = out + (1 - p.sum(-1, keepdim=True)) * mean
    return out


class Model:
    def __init__(self, directory):
        with open(os.path.join(directory, "config.json")) as f:
            c = json.load(f)
        self.cfg = model.Config(c["vocab_size"], c["hidden_size"], c["num_hidden_layers"], c["num_attention_heads"],
                                c["num_key_value_heads"], c["head_dim"], c["intermediate_size"],
                                c["max_position_embeddings"], c["rope_theta"], c["rms_norm_eps"])
        self.w = read_safetensors(os.path.join(directory, "model.safetensors"))
        self.cos, self.sin = model.rotary(self.cfg, self.cfg.context)

    def norm(self, x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.cfg.eps) * self.w[name]

    @torch.no_grad()
    def run(self, ids, cache=None, topk=0, last_only=False, dense_layers=0, form="renormalised"):
        """Logits of `ids` (a list) after what `cache` holds. Returns (logits, cache); the given cache stays as it was.
        The first `dense_layers` layers stay dense whatever topk is."""
        cfg, w, old = self.cfg, self.w, cache[0][0].shape[1] if cache else 0
        new, n, d = [], len(ids), cfg.head_dim
        x = w["model.embed_tokens.weight"][torch.tensor(ids)]
        cos, sin = self.cos[old:old + n], self.sin[old:old + n]
        future = torch.arange(old + n)[None, :] > torch.arange(old, old + n)[:, None]
        for i in range(cfg.layers):
            p = "model.layers.%d." % i
            h = self.norm(x, p + "input_layernorm.weight")
            q = product_t(h, w[p + "self_attn.q_proj.weight"]).view(n, cfg.heads, d)
            k = product_t(h, w[p + "self_attn.k_proj.weight"]).view(n, cfg.kv_heads, d)
            v = product_t(h, w[p + "self_attn.v_proj.weight"]).view(n, cfg.kv_heads, d).transpose(0, 1)
            q, k = model.rotate(q, cos, sin), model.rotate(k, cos, sin).transpose(0, 1)
            if cache:
                k, v = torch.cat([cache[i][0], k], 1), torch.cat([cache[i][1], v], 1)
            new.append((k, v))
            out = []
            for head in range(cfg.heads):
                g = head // (cfg.heads // cfg.kv_heads)
                s = product_t(q[:, head], k[g]) * d ** -0.5
                s.masked_fill_(future, float("-inf"))
                if topk and i >= dense_layers and topk < old + n:
                    out.append(sparse(s, v[g], topk, form, old))
                else:
                    out.append(product_t(torch.softmax(s, -1), v[g].t()))
            x = x + product_t(torch.cat(out, -1), w[p + "self_attn.o_proj.weight"])
            h = self.norm(x, p + "post_attention_layernorm.weight")
            gate = torch.nn.functional.silu(product_t(h, w[p + "mlp.gate_proj.weight"]))
            gate = gate * product_t(h, w[p + "mlp.up_proj.weight"])
            x = x + product_t(gate, w[p + "mlp.down_proj.weight"])
        x = self.norm(x[-1:] if last_only else x, "model.norm.weight")
        return product_t(x, w["model.embed_tokens.weight"]), new
