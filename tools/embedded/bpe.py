"""A small byte-level BPE: trainer, encoder/decoder, and tokenizer.json writer.

The tokenizer has the form current LLaMA-style checkpoints use: text is cut by a split expression (digits one at a
time), every piece becomes UTF-8 bytes, bytes become printable symbols, and ranked merges join symbols into tokens.
Any UTF-8 text can be encoded, since all 256 byte symbols are in the vocabulary.

    python3 bpe.py OUT/tokenizer.json [--plain-digits]    train on the worlds' words and write the file

With --plain-digits a space before a digit stays a token of its own (the first stages of the recorded training).
"""
import json
import re
import sys
import unicodedata

BOS, EOS = "<|bos|>", "<|eos|>"
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")


def _class_ranges(initial):
    """The code points whose general category starts with `initial`, as the inside of a character class."""
    parts, start, prev = [], None, None
    for cp in range(sys.maxunicode + 2):
        inside = cp <= sys.maxunicode and unicodedata.category(chr(cp))[0] == initial
        if inside and start is None:
            start = cp
        if not inside and start is not None:
            parts.append("\\U%08x-\\U%08x" % (start, prev))
            start = None
        prev = cp
    return "".join(parts)


def _compile(pattern):
    """PATTERN for Python's re, which has no property classes."""
    if pattern.isascii() and "\\p" in pattern:
        pattern = pattern.replace("\\p{L}+", "[\\p{L}]+").replace("\\p{N}|", "[\\p{N}]|", 1)
        pattern = pattern.replace("\\p{L}", _class_ranges("L")).replace("\\p{N}", _class_ranges("N"))
    # \s in re also takes the four separators 0x1c-0x1f; \s of tokenizers (Unicode White_Space) does not.
    return re.compile(pattern)


def byte_symbols():
    """GPT-2's map from each byte to a printable character."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, n = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + n)
            n += 1
    return table


SYMBOL = byte_symbols()
BYTE = {c: b for b, c in SYMBOL.items()}


def train_merges(pieces):
    """Merges, in order, until each piece (a str with its leading space) is one symbol. The most frequent pair goes
    first; ties go to the pair that completes a piece, then to the smaller pair, so the result is deterministic."""
    words = {}
    for p in pieces:
        words.setdefault(p, [SYMBOL[b] for b in p.encode()])
    merges = []
    while True:
        count, completes = {}, set()
        for w in words.values():
            for pair in zip(w, w[1:]):
                count[pair] = count.get(pair, 0) + 1
            if len(w) == 2:
                completes.add((w[0], w[1]))
        if not count:
            return merges
        best = min(count, key=lambda q: (-count[q], q not in completes, q))
        merges.append(best)
        for key, w in words.items():
            i, out = 0, []
            while i < len(w):
                if i + 1 < len(w) and (w[i], w[i + 1]) == best:
                    out.append(w[i] + w[i + 1])
                    i += 2
                else:
                    out.append(w[i])
                    i += 1
            words[key] = out


def tokenizer_json(merges, pattern):
    vocab = {}
    for b in sorted(SYMBOL, key=lambda b: ord(SYMBOL[b])):
        vocab[SYMBOL[b]] = len(vocab)
    for a, b in merges:
        vocab.setdefault(a + b, len(vocab))
    bos, eos = len(vocab), len(vocab) + 1

    def added(i, content):
        return {"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True}

    first = {"SpecialToken": {"id": BOS, "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(bos, BOS), added(eos, EOS)],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [first, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [first, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": BOS, "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {BOS: {"id": BOS, "ids": [bos], "tokens": [BOS]}}},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocab, "merges": [a + " " + b for a, b in merges]},
    }


class Tokenizer:
    """Encodes and decodes with a tokenizer.json of the form above (special tokens are not looked for in text)."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            spec = json.load(f)
        self.vocab = spec["model"]["vocab"]
        self.rank = {}
        for i, m in enumerate(spec["model"]["merges"]):
            self.rank.setdefault(tuple(m.split(" ")), i)
        self.special = {t["content"]: t["id"] for t in spec["added_tokens"]}
        self.bos, self.eos = self.special[BOS], self.special[EOS]
        self.text_of = {i: s for s, i in self.vocab.items()}
        self.size = len(self.vocab) + len(self.special)
        self.split = _compile(spec["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"])
        self.cache = {}

    def _piece(self, piece):
        word = [SYMBOL[b] for b in piece.encode()]
        while len(word) > 1:
            rank, i = min((self.rank.get(p, 1 << 30), i) for i, p in enumerate(zip(word, word[1:])))
            if rank == 1 << 30:
                break
            pair, i, out = (word[i], word[i + 1]), 0, []
            while i < len(word):
                if i + 1 < len(word) and (word[i], word[i + 1]) == pair:
                    out.append(word[i] + word[i + 1])
                    i += 2
                else:
                    out.append(word[i])
                    i += 1
            word = out
        return [self.vocab[s] for s in word]

    def encode(self, text, bos=False):
        ids = [self.bos] if bos else []
        for piece in self.split.findall(text):
            got = self.cache.get(piece)
            if got is None:
                got = self._piece(piece)
                if len(self.cache) < 100000:
                    self.cache[piece] = got
            ids += got
        return ids

    def decode(self, ids):
        out = bytearray()
        for i in ids:
            if i in self.text_of:
                out += bytes(BYTE[c] for c in self.text_of[i])
        return out.decode("utf-8", errors="replace")


def main():
    import world_a
    import world_b
    pieces = sorted(set(world_a.PIECES) | set(world_b.PIECES))
    merges, pattern = train_merges(pieces), PATTERN
    if "--plain-digits" in sys.argv:
        pattern = PATTERN.replace("| ?\\p{N}|", "|\\p{N}|")
    else:
        merges += [(SYMBOL[32], d) for d in "0123456789"]      # a code's first digit takes the space before it
    with open(sys.argv[1], "w", encoding="utf-8") as f:
        json.dump(tokenizer_json(merges, pattern), f, ensure_ascii=False, indent=1)
        f.write("\n")
    tok = Tokenizer(sys.argv[1])
    broken = [p for p in pieces if len(tok.encode(p)) != 1]
    print("pieces %d, vocabulary %d, not one token: %s" % (len(pieces), tok.size, broken))


if __name__ == "__main__":
    main()
