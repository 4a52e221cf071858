"""Carries a checkpoint from one tokenizer to another that only adds tokens: rows of the embedding move to their new
numbers, and a new token " 4" starts as a noisy copy of "4". Used once in the recorded training (data/README.md).

    /usr/bin/python3 grow.py OLD/checkpoint.pt OLD_tokenizer.json NEW/checkpoint.pt NEW_tokenizer.json
"""
import sys

import torch

import bpe

NAME = "model.embed_tokens.weight"


def main():
    source, old, target, new = sys.argv[1], bpe.Tokenizer(sys.argv[2]), sys.argv[3], bpe.Tokenizer(sys.argv[4])
    assert all(new.vocab[t] == i for t, i in old.vocab.items())
    generator = torch.Generator().manual_seed(5)
    fresh = {t: i for t, i in new.vocab.items() if t not in old.vocab}

    def grow(rows, noise):
        out = torch.zeros(new.size, rows.shape[1])
        out[:len(old.vocab)] = rows[:len(old.vocab)]
        out[new.bos], out[new.eos] = rows[old.bos], rows[old.eos]
        for token, i in fresh.items():
            out[i] = rows[old.vocab[token[1:]]]
        if noise:
            shape = (len(fresh), rows.shape[1])
            out[len(old.vocab):new.bos] += noise * rows.std() * torch.randn(shape, generator=generator)
        return out

    saved = torch.load(source)
    saved["params"][NAME] = grow(saved["params"][NAME], 0.5)
    for moment in ("m", "v"):
        saved["opt"][moment][NAME] = grow(saved["opt"][moment][NAME], 0)
    saved["state"]["acc"] = 0.0
    torch.save(saved, target)


if __name__ == "__main__":
    main()
