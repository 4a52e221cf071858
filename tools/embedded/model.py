"""The model: a LLaMA decoder (RMS norm, rotary positions, grouped queries, SwiGLU, tied embedding) in PyTorch.

forward(ids) trains in bfloat16 matrix products around a float32 residual stream, because Debian's PyTorch multiplies
float32 matrices through the reference BLAS and bfloat16 ones through oneDNN, about 60 times faster. Evaluation that is
reported uses reference.py, in float32.
"""
import math

import torch
import torch.nn.functional as F

BLOCK = 256     # queries a block: keys after a block's end are not multiplied at all


class Config:
    def __init__(self, vocab, hidden=128, layers=4, heads=8, kv_heads=4, head_dim=32, ffn=352, context=1024,
                 theta=5e5, eps=1e-5):
        self.vocab, self.hidden, self.layers, self.heads, self.kv_heads = vocab, hidden, layers, heads, kv_heads
        self.head_dim, self.ffn, self.context, self.theta, self.eps = head_dim, ffn, context, theta, eps


def init_params(cfg, seed):
    """Parameters under their Hugging Face names."""
    g = torch.Generator().manual_seed(seed)
    normal = lambda rows, cols, std: torch.randn(rows, cols, generator=g) * std
    q, kv, d = cfg.heads * cfg.head_dim, cfg.kv_heads * cfg.head_dim, cfg.hidden
    out = {"model.embed_tokens.weight": normal(cfg.vocab, d, 0.02)}
    std, back = 1 / math.sqrt(d), 1 / math.sqrt(2 * cfg.layers)
    for i in range(cfg.layers):
        p = "model.layers.%d." % i
        out[p + "input_layernorm.weight"] = torch.ones(d)
        out[p + "self_attn.q_proj.weight"] = normal(q, d, std)
        out[p + "self_attn.k_proj.weight"] = normal(kv, d, std)
        out[p + "self_attn.v_proj.weight"] = normal(kv, d, std)
        out[p + "self_attn.o_proj.weight"] = normal(d, q, back / math.sqrt(q))
        out[p + "post_attention_layernorm.weight"] = torch.ones(d)
        out[p + "mlp.gate_proj.weight"] = normal(cfg.ffn, d, std)
        out[p + "mlp.up_proj.weight"] = normal(cfg.ffn, d, std)
        out[p + "mlp.down_proj.weight"] = normal(d, cfg.ffn, back / math.sqrt(cfg.ffn))
    out["model.norm.weight"] = torch.ones(d)
    return {k: v.requires_grad_(True) for k, v in out.items()}


def rotary(cfg, length):
    """cos, sin of shape (length, 1, head_dim), the Hugging Face layout (first half, second half)."""
    half = torch.arange(0, cfg.head_dim, 2, dtype=torch.float64) / cfg.head_dim
    angle = torch.arange(length, dtype=torch.float64)[:, None] / (cfg.theta ** half)[None]
    angle = torch.cat([angle, angle], -1)[:, None, :]
    return angle.cos().float(), angle.sin().float()


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


class CausalAttention(torch.autograd.Function):
    """softmax(q kT) v by blocks of queries. q: (N, G, L, D) already scaled, N = documents x KV heads, G queries a
    KV head; k, v: (N, L, D)."""

    @staticmethod
    def forward(ctx, q, k, v):
        n, g, length, d = q.shape
        out, probs = torch.empty_like(q), []
        for a in range(0, length, BLOCK):
            b = min(a + BLOCK, length)
            s = torch.bmm(q[:, :, a:b].reshape(n, g * (b - a), d), k[:, :b].transpose(1, 2))
            mask = torch.full((b - a, b - a), -1e9, dtype=s.dtype).triu_(1)
            s.view(n, g, b - a, b)[..., a:].add_(mask)
            p = torch.softmax(s, -1)
            probs.append(p)
            out[:, :, a:b] = torch.bmm(p, v[:, :b]).view(n, g, b - a, d)
        ctx.save_for_backward(q, k, v, *probs)
        return out

    @staticmethod
    def backward(ctx, grad):
        q, k, v, *probs = ctx.saved_tensors
        n, g, length, d = q.shape
        dq = torch.empty_like(q)
        dk, dv = torch.zeros(n, length, d), torch.zeros(n, length, d)
        for p, a in zip(probs, range(0, length, BLOCK)):
            b = min(a + BLOCK, length)
            go = grad[:, :, a:b].reshape(n, g * (b - a), d)
            qb = q[:, :, a:b].reshape(n, g * (b - a), d)
            dv[:, :b] += torch.bmm(p.transpose(1, 2), go)
            dp = torch.bmm(go, v[:, :b].transpose(1, 2))
            ds = torch._softmax_backward_data(dp, p, -1, p.dtype)
            dq[:, :, a:b] = torch.bmm(ds, k[:, :b]).view(n, g, b - a, d)
            dk[:, :b] += torch.bmm(ds.transpose(1, 2), qb)
        return dq, dk.to(k.dtype), dv.to(v.dtype)


def norm(x, w, eps):
    return x * (torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)) * w


def forward(params, cfg, ids, rope):
    """Hidden states after the last norm, (B, L, hidden), in bfloat16; multiply with the embedding for logits."""
    half = torch.bfloat16
    batch, length = ids.shape
    cos, sin = rope[0][:length].to(half), rope[1][:length].to(half)
    w = {k: v.to(half) for k, v in params.items() if v.dim() == 2}
    x = F.embedding(ids, params["model.embed_tokens.weight"])
    group = cfg.heads // cfg.kv_heads
    for i in range(cfg.layers):
        p = "model.layers.%d." % i
        h = norm(x, params[p + "input_layernorm.weight"], cfg.eps).to(half)
        q = F.linear(h, w[p + "self_attn.q_proj.weight"]).view(batch, length, cfg.heads, cfg.head_dim)
        k = F.linear(h, w[p + "self_attn.k_proj.weight"]).view(batch, length, cfg.kv_heads, cfg.head_dim)
        v = F.linear(h, w[p + "self_attn.v_proj.weight"]).view(batch, length, cfg.kv_heads, cfg.head_dim)
        q = rotate(q, cos, sin) * (cfg.head_dim ** -0.5)
        k = rotate(k, cos, sin)
        q = q.view(batch, length, cfg.kv_heads, group, cfg.head_dim).permute(0, 2, 3, 1, 4)
        q = q.reshape(batch * cfg.kv_heads, group, length, cfg.head_dim)
        k = k.transpose(1, 2).reshape(batch * cfg.kv_heads, length, cfg.head_dim)
        v = v.transpose(1, 2).reshape(batch * cfg.kv_heads, length, cfg.head_dim)
        o = CausalAttention.apply(q, k, v)
        o = o.view(batch, cfg.heads, length, cfg.head_dim).transpose(1, 2).reshape(batch, length, -1)
        x = x + F.linear(o, w[p + "self_attn.o_proj.weight"])
        h = norm(x, params[p + "post_attention_layernorm.weight"], cfg.eps).to(half)
        gate = F.silu(F.linear(h, w[p + "mlp.gate_proj.weight"])) * F.linear(h, w[p + "mlp.up_proj.weight"])
        x = x + F.linear(gate, w[p + "mlp.down_proj.weight"])
    return norm(x, params["model.norm.weight"], cfg.eps).to(half)


def logits(params, hidden):
    return F.linear(hidden, params["model.embed_tokens.weight"].to(hidden.dtype)).float()


class Optimizer:
    """Muon on the matrices of the layers, Adam on the embedding and the norms."""

    def __init__(self, params, lr, adam_lr):
        self.params, self.lr, self.adam_lr, self.steps = params, lr, adam_lr, 0
        self.shapes = {}
        for k, v in params.items():
            if v.dim() == 2 and "embed" not in k:
                self.shapes.setdefault(tuple(v.shape), []).append(k)
        self.rest = [k for k, v in params.items() if v.dim() == 1 or "embed" in k]
        self.m = {k: torch.zeros_like(v, requires_grad=False) for k, v in params.items()}
        self.v = {k: torch.zeros_like(params[k], requires_grad=False) for k in self.rest}

    def state(self):
        return {"m": self.m, "v": self.v, "steps": self.steps}

    def load(self, state):
        self.m, self.v, self.steps = state["m"], state["v"], state["steps"]

    @torch.no_grad()
    def step(self, scale):
        self.steps += 1
        for shape, names in self.shapes.items():
            update = []
            for k in names:
                g = self.params[k].grad
                self.m[k].mul_(0.95).add_(g, alpha=0.05)
                update.append(g * 0.05 + self.m[k] * 0.95)
            update = orthogonal(torch.stack(update))
            lr = self.lr * scale * max(1.0, shape[0] / shape[1]) ** 0.5
            for k, u in zip(names, update):
                self.params[k].mul_(1 - 0.02 * lr).add_(u, alpha=-lr)
        c1, c2 = 1 - 0.9 ** self.steps, 1 - 0.98 ** self.steps
        for k in self.rest:
            g = self.params[k].grad
            self.m[k].mul_(0.9).add_(g, alpha=0.1)
            self.v[k].mul_(0.98).addcmul_(g, g, value=0.02)
            self.params[k].addcdiv_(self.m[k] / c1, (self.v[k] / c2).sqrt_().add_(1e-8), value=-self.adam_lr * scale)
        for p in self.params.values():
            p.grad = None


def orthogonal(g, steps=5):
    """The nearest semi-orthogonal matrices, nearly, by Newton-Schulz iterations (Muon's coefficients)."""
    wide = g.shape[1] <= g.shape[2]
    x = g if wide else g.transpose(1, 2)
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)).to(torch.bfloat16)
    for _ in range(steps):
        a = torch.bmm(x, x.transpose(1, 2))
        b = -4.7750 * a + 2.0315 * torch.bmm(a, a)
        x = 3.4445 * x + torch.bmm(b, x)
    return (x if wide else x.transpose(1, 2)).float()
