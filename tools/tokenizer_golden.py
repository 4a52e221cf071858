#!/usr/bin/env python3
"""Token ids of Hugging Face's tokenizers library for many small made-up tokenizers: tests/tokenizer/golden.json.

Needs the packages tokenizers and sentencepiece (PyPI). The tests need only the file:

    tools/tokenizer_golden.py -o tests/tokenizer/golden.json
    tools/tokenizer_golden.py --texts 2000 --seed 7 -o /tmp/more.json
    TT_TOKENIZER_GOLDEN=/tmp/more.json build/release/tests/tokenizer/test_tokenizer '[golden]'

Every tokenizer is one of three models, trained here on nonsense without any pre-tokenizer, so that merges reach across
words and a cut in the wrong place shows, under one of many combinations of the other parts.
"""
import argparse
import base64
import io
import json
import random

import sentencepiece
from tokenizers import Tokenizer

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
POSSESSIVE = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|"
              r"\s+(?!\S)|\s+")
DEEPSEEK3 = [r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+",
             r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"
             r" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
DEEPSEEK = [r"[\r\n]", r"\s?[A-Za-zµÀ-ÖØ-öø-ƺǄ-ʓΑ-ω]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$",
            r"[一-龥ࠀ-一가-퟿]+"]
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def byte_level(prefix=False, regex=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def steps(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def normalizers(*parts):
    return {"type": "Sequence", "normalizers": list(parts)}


def metaspace(scheme, cut):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": cut}


def added(content, **flags):
    token = {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": False}
    token.update(flags)
    return token


def template(before, after):
    def special(token):
        return {"SpecialToken": {"id": token, "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return lambda ids: {
        "type": "TemplateProcessing", "single": [*map(special, before), text, *map(special, after)], "pair": [text, text],
        "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in {*before, *after}}}


SPACES = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
BACK = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
PREPEND = {"type": "Prepend", "prepend": "▁"}
PIECES_DECODER = {"type": "Sequence", "decoders": [BACK, {"type": "ByteFallback"}, {"type": "Fuse"},
                                                   {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
BYTES_DECODER = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
SPECIALS = [added("<s>", special=True), added("</s>", special=True)]


def tokenizers(charsmap):
    """name, model, and the other parts."""
    def bytes_with(name, pre, **more):
        return {"name": name, "model": "bytes", "pre_tokenizer": pre, "decoder": BYTES_DECODER, **more}

    yield bytes_with("gpt2", byte_level(regex=True))
    yield bytes_with("gpt2, prefix space", byte_level(prefix=True, regex=True))
    yield bytes_with("bytes only", byte_level())
    yield bytes_with("llama3", steps(split(LLAMA3), byte_level()), ignore_merges=True, frame=template(["<s>"], []))
    yield bytes_with("qwen2", steps(split(QWEN2), byte_level()), normalizer={"type": "NFC"})
    yield bytes_with("qwen3.5", steps(split(QWEN35), byte_level()), normalizer={"type": "NFC"})
    yield bytes_with("o200k", steps(split(O200K), byte_level()), ignore_merges=True)
    yield bytes_with("o200k removed inverted", steps(split(O200K, "Removed", True), byte_level()))
    yield bytes_with("possessive", steps(split(POSSESSIVE), byte_level()))
    yield bytes_with("deepseek3", steps(*map(split, DEEPSEEK3), byte_level()))
    yield bytes_with("deepseek", steps(*map(split, DEEPSEEK), {"type": "Digits", "individual_digits": True},
                                       byte_level()))
    yield bytes_with("smollm", steps({"type": "Digits", "individual_digits": True}, byte_level(regex=True)))
    yield bytes_with("falcon", steps({"type": "Punctuation", "behavior": "Contiguous"}, byte_level(regex=True),
                                     {"type": "Digits", "individual_digits": False}, split("[0-9][0-9][0-9]")))
    yield bytes_with("bloom", steps(split(BLOOM), byte_level()))
    yield bytes_with("command-r", steps({"type": "Digits", "individual_digits": True}, byte_level(regex=True)),
                     normalizer={"type": "NFC"}, frame=template(["<s>"], ["</s>"]))
    for behavior in ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]:
        for invert in [False, True]:
            name = behavior + (" inverted" if invert else "")
            yield bytes_with(name, steps(split(r"[aeiou]|\s", behavior, invert), byte_level()))
        yield bytes_with(f"{behavior}, empty", steps(split("", behavior, kind="String"), byte_level()))
        yield bytes_with(f"{behavior}, string", steps(split("a", behavior, kind="String"), byte_level()))
        yield bytes_with(f"{behavior}, may be empty", steps(split("x*", behavior), byte_level()))
    yield bytes_with("Whitespace", steps({"type": "Whitespace"}, byte_level()))
    yield bytes_with("WhitespaceSplit", steps({"type": "WhitespaceSplit"}, byte_level(prefix=True)))
    yield bytes_with("Punctuation", steps({"type": "Punctuation", "behavior": "Isolated"}, byte_level()))
    yield bytes_with("Bert", steps({"type": "BertPreTokenizer"}, byte_level()))
    yield bytes_with("CharDelimiterSplit", steps({"type": "CharDelimiterSplit", "delimiter": "e"}, byte_level()))
    yield bytes_with("words", steps(split(r"\w+|[^\w\s]+", "Isolated"), byte_level()))
    yield bytes_with("no words", steps(split(r"\W+|\d", "Isolated"), byte_level()))
    yield bytes_with("lines", steps(split(r"^\s+|\s+$", "Isolated"), byte_level()))
    yield bytes_with("look behind", steps(split(r"(?<=[a-z])(?=[A-Z])|(?<!\s)\d", "Isolated"), byte_level()))
    for form in ["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt"]:
        yield bytes_with(form, byte_level(), normalizer={"type": form})
    yield bytes_with("NFD without accents", byte_level(),
                     normalizer=normalizers({"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}))
    yield bytes_with("Strip left", byte_level(),
                     normalizer={"type": "Strip", "strip_left": True, "strip_right": False})
    yield bytes_with("Strip right", byte_level(),
                     normalizer={"type": "Strip", "strip_left": False, "strip_right": True})
    yield bytes_with("Replace", byte_level(), normalizer=normalizers(
        {"type": "Replace", "pattern": {"Regex": r"\s{2,}|\p{P}+"}, "content": "$1"},
        {"type": "Replace", "pattern": {"String": "a"}, "content": ""}))
    yield bytes_with("ByteLevel normalizer", None, normalizer={"type": "ByteLevel"})
    yield bytes_with("Roberta", byte_level(prefix=True, regex=True), frame=lambda ids: {
        "type": "RobertaProcessing", "sep": ["</s>", ids["</s>"]], "cls": ["<s>", ids["<s>"]], "trim_offsets": True,
        "add_prefix_space": True})
    yield bytes_with("added tokens", byte_level(regex=True), added_tokens=[
        added("<left>", lstrip=True), added("<right>", rstrip=True), added("<both>", lstrip=True, rstrip=True),
        added("word", single_word=True), added("words", single_word=True, lstrip=True), added("<both><left>"),
        added("é"), added("  "), added("<n>", normalized=True), *SPECIALS])
    yield bytes_with("added and normalised", byte_level(regex=True), normalizer=normalizers(
        {"type": "NFKC"}, {"type": "Lowercase"}), added_tokens=[
            added("wor", normalized=True), added("left", normalized=True, lstrip=True), added("RIGHT"),
            added("é", normalized=True), *SPECIALS])

    for model in ["pieces", "unigram"]:
        def pieces_with(name, pre=None, model=model, **more):
            return {"name": f"{model}: {name}", "model": model, "pre_tokenizer": pre, "decoder": PIECES_DECODER, **more}
        yield pieces_with("legacy llama", normalizer=normalizers(PREPEND, SPACES), frame=template(["<s>"], []))
        yield pieces_with("gemma", split(" ", "MergedWithPrevious", kind="String"), normalizer=SPACES)
        for scheme in ["always", "first", "never"]:
            for cut in [False, True]:
                yield pieces_with(f"{scheme}{', cut' if cut else ''}", metaspace(scheme, cut),
                                  decoder=metaspace(scheme, cut))
        yield pieces_with("t5", metaspace("first", True), normalizer=normalizers(
            {"type": "Precompiled", "precompiled_charsmap": charsmap},
            {"type": "Strip", "strip_left": False, "strip_right": True},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}), frame=template([], ["</s>"]),
            decoder=metaspace("first", True))
        yield pieces_with("xlnet", steps({"type": "WhitespaceSplit"}, metaspace("always", True)), normalizer=normalizers(
            {"type": "Replace", "pattern": {"String": "``"}, "content": '"'}, {"type": "NFKD"},
            {"type": "StripAccents"}), frame=template([], ["</s>"]))
        yield pieces_with("added, legacy", normalizer=normalizers(PREPEND, SPACES), added_tokens=[
            added("<left>", lstrip=True), added("word", normalized=True), added("▁▁"), added("\n\n"),
            added("b c", normalized=True), *SPECIALS])
        yield pieces_with("nothing", decoder=None)


CHUNKS = """the|of|ing|er|a|e|i|s|t|word|words|Word|wordy|left|LEFT|RIGHT|Hello|hello|HELLO|don't|DON'T|I'll|we'Ve|'s|'S|'re|it'ſ|
camelCase|HTTPServer|snake_case|x.y.z|1|12|123|1234567|3.14|1,000|०१२|٣٤|Ⅷ|½|²|①|１２|é|e\u0301|É|ñ|n\u0303|ü|ß|ẞ|İ|ı|ſ|ﬁ|Å|\u212b|\u1e9b\u0323|
Straße|Ωμέγα|ς|Σ|привет|мир|שלום|مرحبا|नमस्ते|क्\u200dष|ไทย|漢字|日本語|ひらがな|カタカナ|ｶﾀｶﾅ|ﾞ|한국어|\u1112\u1161\u11ab|中文，标点。|「」|
👍|👍🏽|👨\u200d👩\u200d👧|🇩🇪🇫🇷|☃\ufe0f|𝒳|𐍈|ᾳ|Ω|…|—|–|“|”|‘|’|«»|!|?|.|,|;|:|(|)|[|]|{|}|<|>|/|\\\\|'|"|``|`|~|@|#|$|%|^|&|*|-|_|+|=|€|№|°|
 |  |   |    |\t|\n|\n\n|\r\n|\r| \n| \n\n |\n |\u00a0|\u2003|\u3000|\u200b|\u2028|\u0085|\u180e|\ufeff|\u0000|\u0001|\x7f|\x1f|\ufffd|▁|▁▁|
<s>|</s>|<unk>|<0x41>|<left>|<right>|<both>|<n>|ＷＯＲＤ|Ｗｏｒｄ|b c|Ġ|Ċ|<|s>|http://a.b/c?d=e|a@b.c|\ue000|\u0301|\u20dd|\u0903""".replace(
    "|\n", "|").encode("utf-8").decode("utf-8").split("|")


def text(rng):
    parts = []
    for _ in range(rng.choice([1, 2, 3, 5, 8, 12])):
        parts.append(rng.choice(CHUNKS))
        if rng.random() < 0.4:
            parts.append(" ")
        if rng.random() < 0.05:
            parts.append(chr(rng.choice([rng.randrange(0x80), rng.randrange(0x800), rng.randrange(0xd800),
                                         rng.randrange(0xe000, 0x3134f)])))
    return "".join(parts)


def byte_alphabet():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    symbols = {byte: chr(byte) for byte in printable}
    symbols.update({byte: chr(256 + i) for i, byte in enumerate(rest)})
    return [symbols[byte] for byte in range(256)]


def merged(symbols, words, merges, first):
    """A BPE model by the book: the most frequent pair again and again, never across `words`."""
    vocab = {symbol: first + i for i, symbol in enumerate(symbols)}
    listed = []
    for _ in range(merges):
        pairs = {}
        for word in words:
            for pair in zip(word, word[1:]):
                pairs[pair] = pairs.get(pair, 0) + 1
        pair = max(pairs, key=lambda p: (pairs[p], p))
        joined = pair[0] + pair[1]
        listed.append(list(pair))
        vocab.setdefault(joined, first + len(vocab))
        for word in words:
            i = 0
            while i + 1 < len(word):
                if (word[i], word[i + 1]) == pair:
                    word[i:i + 2] = [joined]
                i += 1
    return vocab, listed


def models(rng):
    texts = [text(rng) for _ in range(400)]
    alphabet = byte_alphabet()
    vocab, merges = merged(alphabet, [[alphabet[b] for b in t.encode()] for t in texts], 250, 0)
    result = {"bytes": {"type": "BPE", "vocab": vocab, "merges": merges}}
    bytes_tokens = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    spaced = ["▁" + t.replace(" ", "▁") for t in texts]
    letters = sorted({c for t in spaced for c in t if c.isascii() or rng.random() < 0.5} - set(" \n"))
    known = set(letters)
    words = [[c for c in t if c in known] for t in spaced]
    vocab, merges = merged(letters, words, 200, len(bytes_tokens))
    vocab = {**{token: i for i, token in enumerate(bytes_tokens)}, **vocab}
    result["pieces"] = {"type": "BPE", "vocab": vocab, "merges": merges, "unk_token": "<unk>", "fuse_unk": True,
                        "byte_fallback": True}
    pieces = [["<unk>", 0.0]] + [[piece, -rng.randrange(200, 900) / 64 - len(piece) * rng.random()]
                                 for piece in vocab if not piece.startswith("<0x") and piece != "<unk>"]
    # Equal scores, so that ties decide.
    pieces += [[piece, -8.0] for piece in ["aa", "aaa", "ab ", "ba", "\n\n", "▁▁▁"] if piece not in vocab]
    result["unigram"] = {"type": "Unigram", "vocab": pieces, "unk_id": 0, "byte_fallback": False}
    return result


def protobuf_bytes(message, wanted):
    """The last length-delimited field of this number."""
    at, found = 0, b""

    def varint():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(message):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            varint()
        elif kind == 2:
            size = varint()
            if tag >> 3 == wanted:
                found = message[at:at + size]
            at += size
        else:
            at += {1: 8, 5: 4}[kind]
    return found


def small_charsmap():
    """SentencePiece's own compiled form of a few rules."""
    rules = io.StringIO()
    for source, target in [("ﬁ", "fi"), ("\u212b", "Å"), ("e\u0301", "é"), ("①", "1"), ("\t", " "), ("\u3000", " "),
                           ("\x7f", ""), ("ＷＯＲＤ", "word"), ("ｶ", "カ")]:
        rules.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")
    with open("/tmp/rules.tsv", "w", encoding="utf-8") as file:
        file.write(rules.getvalue())
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cat sat on the mat"] * 50), model_writer=model, vocab_size=20,
        hard_vocab_limit=False, normalization_rule_tsv="/tmp/rules.tsv", minloglevel=2)
    normalizer_spec = protobuf_bytes(model.getvalue(), 3)
    return base64.b64encode(protobuf_bytes(normalizer_spec, 2)).decode()


def whole(entry, all_models):
    model = dict(all_models[entry["model"]])
    if entry.get("ignore_merges"):
        model["ignore_merges"] = True
    vocab = model["vocab"]
    names = [piece for piece, _ in vocab] if isinstance(vocab, list) else list(vocab)
    tokens = [dict(token) for token in entry.get("added_tokens", SPECIALS)]
    ids = {name: i for i, name in enumerate(names)} if isinstance(vocab, list) else dict(vocab)
    end = len(ids)
    for token in tokens:
        token["id"] = ids.get(token["content"], end)
        end += token["content"] not in ids
        ids[token["content"]] = token["id"]
    frame = entry.get("frame")
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens,
            "normalizer": entry.get("normalizer"), "pre_tokenizer": entry["pre_tokenizer"],
            "post_processor": frame(ids) if frame else None, "decoder": entry["decoder"], "model": model}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", required=True)
    parser.add_argument("--texts", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    all_models = models(random.Random(5))
    rng = random.Random(options.seed)
    texts = ["", *(text(rng) for _ in range(options.texts - 1))]
    golden = {"texts": texts, "models": all_models, "tokenizers": []}
    for entry in tokenizers(small_charsmap()):
        parts = whole(entry, all_models)
        tokenizer = Tokenizer.from_str(json.dumps(parts))
        cases = []
        for sample in texts:
            ids = tokenizer.encode(sample, add_special_tokens=False).ids
            framed = tokenizer.encode(sample).ids
            cases.append([ids, framed if framed != ids else None, tokenizer.decode(ids, skip_special_tokens=True)])
        parts["model"] = {"like": entry["model"], "ignore_merges": bool(entry.get("ignore_merges"))}
        golden["tokenizers"].append({"name": entry["name"], "tokenizer": parts, "cases": cases})
    with open(options.o, "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
