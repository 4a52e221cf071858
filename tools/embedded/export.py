"""Writes the model in the Hugging Face layout: config.json, model.safetensors (bfloat16), tokenizer.json."""
import json
import os
import shutil
import struct

import torch


def config_json(cfg, tok):
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": cfg.hidden,
        "intermediate_size": cfg.ffn, "num_hidden_layers": cfg.layers, "num_attention_heads": cfg.heads,
        "num_key_value_heads": cfg.kv_heads, "head_dim": cfg.head_dim, "vocab_size": cfg.vocab,
        "max_position_embeddings": cfg.context, "rms_norm_eps": cfg.eps, "rope_theta": cfg.theta, "rope_scaling": None,
        "hidden_act": "silu", "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0,
        "tie_word_embeddings": True, "bos_token_id": tok.bos, "eos_token_id": tok.eos, "torch_dtype": "bfloat16",
        "use_cache": True,
    }


def save_safetensors(path, tensors):
    """tensors: {name: tensor}, stored as BF16 in the order of the names."""
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(tensors):
        t = tensors[name].detach().to(torch.bfloat16).contiguous()
        blob = t.view(torch.int16).numpy().tobytes()
        header[name] = {"dtype": "BF16", "shape": list(t.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head)
        for blob in blobs:
            f.write(blob)


def export(params, cfg, tok, tokenizer_path, out):
    """Each file appears whole: written beside its place, then renamed."""
    os.makedirs(out, exist_ok=True)
    save_safetensors(os.path.join(out, "model.safetensors.new"), params)
    with open(os.path.join(out, "config.json.new"), "w") as f:
        json.dump(config_json(cfg, tok), f, indent=1)
        f.write("\n")
    shutil.copyfile(tokenizer_path, os.path.join(out, "tokenizer.json.new"))
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        os.replace(os.path.join(out, name + ".new"), os.path.join(out, name))
