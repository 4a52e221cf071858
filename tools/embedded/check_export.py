"""Checks an export without PyTorch's arithmetic: a second reader of model.safetensors and a forward pass in numpy, double
precision, compared with reference.py (float32) on one document; and the tokenizer's round trip.

    /usr/bin/python3 check_export.py --model ../../data/model --text ../../data/heldout-a/000.txt
"""
import argparse
import json
import os

import numpy as np

import bpe
import reference


def read(path):
    raw = np.fromfile(path, dtype=np.uint8)
    size = int(raw[:8].view("<u8")[0])
    header = json.loads(raw[8:8 + size].tobytes())
    out = {}
    for name, t in header.items():
        if name == "__metadata__":
            continue
        a, b = t["data_offsets"]
        bits = raw[8 + size + a:8 + size + b].copy().view("<u2").astype(np.uint32) << 16
        out[name] = bits.view(np.float32).astype(np.float64).reshape(t["shape"])
    return out


def forward(c, w, ids):
    n, d, heads, kv = len(ids), c["head_dim"], c["num_attention_heads"], c["num_key_value_heads"]

    def norm(x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + c["rms_norm_eps"]) * w[name]

    angle = np.arange(n)[:, None] / c["rope_theta"] ** (np.arange(0, d, 2) / d)[None]

    def rotate(x):      # (n, d): the first half pairs with the second
        a, b = x[:, :d // 2], x[:, d // 2:]
        return np.concatenate([a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle)], 1)

    x = w["model.embed_tokens.weight"][ids]
    future = np.triu(np.ones((n, n), bool), 1)
    for i in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % i
        h = norm(x, p + "input_layernorm.weight")
        q, k, v = (h @ w[p + "self_attn.%s_proj.weight" % m].T for m in "qkv")
        out = []
        for head in range(heads):
            g = head * kv // heads
            s = rotate(q[:, head * d:head * d + d]) @ rotate(k[:, g * d:g * d + d]).T / np.sqrt(d)
            s[future] = -np.inf
            s = np.exp(s - s.max(-1, keepdims=True))
            out.append(s / s.sum(-1, keepdims=True) @ v[:, g * d:g * d + d])
        x = x + np.concatenate(out, 1) @ w[p + "self_attn.o_proj.weight"].T
        h = norm(x, p + "post_attention_layernorm.weight")
        gate = h @ w[p + "mlp.gate_proj.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w[p + "mlp.up_proj.weight"].T)) @ w[p + "mlp.down_proj.weight"].T
    return norm(x, "model.norm.weight") @ w["model.embed_tokens.weight"].T


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", required=True)
    p.add_argument("--text", required=True)
    args = p.parse_args()
    with open(os.path.join(args.model, "config.json")) as f:
        config = json.load(f)
    tok = bpe.Tokenizer(os.path.join(args.model, "tokenizer.json"))
    with open(args.text, encoding="utf-8", newline="") as f:
        text = f.read()
    for sample in (text, "h\u00e9llo \u4e16\u754c \U0001f642 e\u0301\r\n\t 4821 can't  x ", ""):
        assert tok.decode(tok.encode(sample)) == sample
    assert tok.size == config["vocab_size"] and tok.bos == config["bos_token_id"]
    ids = tok.encode(text, bos=True)
    ours = forward(config, read(os.path.join(args.model, "model.safetensors")), ids)
    theirs = reference.Model(args.model).run(ids)[0].double().numpy()
    worst = np.abs(ours - theirs).max()
    print("tokens %d, largest logit %.2f, largest difference %.2e, same first choice %d of %d"
          % (len(ids), np.abs(ours).max(), worst, (ours.argmax(-1) == theirs.argmax(-1)).sum(), len(ids)))
    assert worst < 1e-2


if __name__ == "__main__":
    main()
