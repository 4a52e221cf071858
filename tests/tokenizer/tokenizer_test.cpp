#include "tokenizer/tokenizer.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/random.hpp"
#include "io/text_file.hpp"
#include "support/catch.hpp"
#include "support/tokenizer_fixture.hpp"
#include "tokenizer/unicode.hpp"

using namespace toptheta;
using namespace toptheta::testing;
using Ids = std::vector<std::int32_t>;

namespace {

// Where a file is refused, relative to the file.
std::string where_refused(const std::string& text) {
  const TempDir dir;
  const auto path = write_text(dir, "tokenizer.json", text);
  try {
    (void)Tokenizer::load(path);
  } catch (const InputError& error) {
    const std::string& where = error.problem().where;
    return where.starts_with(path.string()) ? where.substr(path.string().size())
                                            : "not in the file: " + where;
  }
  return "accepted";
}
std::string where_refused(const Json& json) {
  return where_refused(json.dump());
}

// "▁", "a", "b", "c", "\n" from 259 on; ▁a 264, ab 265, ▁ab 266.
Json metaspace_words() {
  return sentencepiece_json({"▁", "a", "b", "c", "\n"}, {{"▁", "a"}, {"a", "b"}, {"▁a", "b"}});
}

std::string random_text(Random& random) {
  std::string text;
  for (auto left = random.below(60); left > 0; --left) {
    char32_t c = 0;
    do {
      constexpr std::uint64_t kBounds[] = {0x80, 0x80, 0x800, 0x10000, 0x110000};
      c = static_cast<char32_t>(random.below(kBounds[random.below(5)]));
    } while (c >= 0xD800 && c < 0xE000);
    append_utf8(text, c);
  }
  return text;
}

}  // namespace

TEST_CASE("SentencePiece-like: prefix, merges, bytes", "[tokenizer]") {
  const Tokenizer tokenizer = load_tokenizer(metaspace_words());
  CHECK(tokenizer.encode("").empty());
  // "▁ab▁abc": the merge of ▁ and a comes first.
  CHECK(tokenizer.encode("ab abc") == Ids{266, 266, 262});
  CHECK(tokenizer.encode("ba") == Ids{259, 261, 260});
  CHECK(tokenizer.encode("é") == Ids{259, 3 + 0xC3, 3 + 0xA9});
  CHECK(tokenizer.decode(Ids{266, 266, 262}) == "ab abc");
  CHECK(tokenizer.decode(tokenizer.encode("  a é\nb")) == "  a é\nb");
  CHECK(tokenizer.bos() == 1);
  CHECK(tokenizer.vocab_size() == 267);
  CHECK(tokenizer.id_of("</s>") == 2);
  CHECK(tokenizer.id_of("▁ab") == 266);
  CHECK_FALSE(tokenizer.id_of("zz").has_value());
}

TEST_CASE("SentencePiece-like: special tokens in the text", "[tokenizer]") {
  const Tokenizer tokenizer = load_tokenizer(metaspace_words());
  // Every stretch between special tokens is normalised by itself, so each gets its own prefix.
  CHECK(tokenizer.encode("ab</s>ab") == Ids{266, 2, 266});
  CHECK(tokenizer.encode("<s>") == Ids{1});
  CHECK(tokenizer.decode(Ids{1, 266, 2}) == "ab");
}

TEST_CASE("bytes that make no character become replacement characters", "[tokenizer]") {
  const Tokenizer tokenizer = load_tokenizer(metaspace_words());
  CHECK(tokenizer.decode(Ids{260, 3 + 0xC3, 261}) == "a\uFFFDb");
  CHECK(tokenizer.decode(Ids{260, 3 + 0xE6, 3 + 0x97}) == "a\uFFFD\uFFFD");  // one for every byte of the run
  const Tokenizer bytes = load_tokenizer(byte_level_json({}));
  CHECK(bytes.decode(Ids{'a', 0xE6, 0x97, 'b'}) == "a\uFFFDb");  // one for the whole part
  CHECK(bytes.decode(Ids{-5, 'a', 100'000}) == "a");             // ids that are no tokens have no text
}

TEST_CASE("Metaspace as pre-tokenizer", "[tokenizer]") {
  Json json = metaspace_words();
  json["normalizer"] = nullptr;
  json["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "first"}, {"split", false}};
  json["decoder"] = json["pre_tokenizer"];
  SECTION("first: only the start of the input gets the prefix") {
    const Tokenizer tokenizer = load_tokenizer(json);
    CHECK(tokenizer.encode("ab</s>ab") == Ids{266, 2, 265});
    CHECK(tokenizer.encode("</s>ab") == Ids{2, 265});
    CHECK(tokenizer.encode(" ab") == Ids{266});
    CHECK(tokenizer.decode(Ids{266, 266}) == "ab ab");
  }
  SECTION("always") {
    json["pre_tokenizer"]["prepend_scheme"] = "always";
    CHECK(load_tokenizer(json).encode("ab</s>ab") == Ids{266, 2, 266});
  }
  SECTION("never, in the older way of writing it") {
    json["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "▁"}, {"add_prefix_space", false}};
    json["decoder"] = json["pre_tokenizer"];
    const Tokenizer tokenizer = load_tokenizer(json);
    CHECK(tokenizer.encode("ab ab") == Ids{265, 266});
    CHECK(tokenizer.decode(Ids{266}) == " ab");
  }
  SECTION("splitting keeps merges inside words") {
    json["model"]["merges"].insert(json["model"]["merges"].begin(), "b ▁");
    json["model"]["vocab"]["b▁"] = 267;
    CHECK(load_tokenizer(json).encode("ab ab") == Ids{264, 267, 265});
    json["pre_tokenizer"]["split"] = true;
    CHECK(load_tokenizer(json).encode("ab ab") == Ids{266, 266});
  }
}

TEST_CASE("byte-level: GPT-2's words", "[tokenizer]") {
  const Tokenizer tokenizer =
      load_tokenizer(byte_level_json({{"Ġ", "t"}, {"h", "e"}, {"Ġt", "he"}, {"n", "'"}}));
  CHECK(tokenizer.encode("the the") == Ids{'t', 257, 258});
  CHECK(tokenizer.encode("n't") == Ids{'n', '\'', 't'});  // 't is a word of its own, so n' is never seen
  CHECK(tokenizer.encode("a  the") == Ids{'a', ' ', 258});
  CHECK(tokenizer.encode("é") == Ids{0xC3, 0xA9});
  CHECK(tokenizer.bos() == 260);
  CHECK(tokenizer.encode("a<|eos|>the") == Ids{'a', 261, 't', 257});
  CHECK(tokenizer.decode(Ids{260, 't', 257, 258, 261}) == "the the");
}

TEST_CASE("byte-level: prefix space and split expressions", "[tokenizer]") {
  Json json = byte_level_json({{"Ġ", "a"}, {"1", "2"}, {"12", "3"}});  // Ġa 256, 12 257, 123 258
  json["pre_tokenizer"]["add_prefix_space"] = true;
  CHECK(load_tokenizer(json).encode("a a") == Ids{256, 256});
  const Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const auto with = [&](const Json& first) {
    json["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {first, bytes}}};
    return load_tokenizer(json);
  };
  const auto split = [](const std::string& regex, const std::string& behavior, bool invert = false) {
    return Json{
        {"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", behavior}, {"invert", invert}};
  };
  CHECK(with(split(R"(\p{N}{1,2})", "Isolated")).encode("123") == Ids{257, '3'});
  CHECK(with(split(R"(\p{N}{1,3})", "Isolated")).encode("1231") == Ids{258, '1'});
  CHECK(with(split(" ", "Removed")).encode("a a") == Ids{'a', 'a'});
  CHECK(with(split(" ", "Removed", true)).encode("a a") == Ids{' '});
  CHECK(with(split(" ", "MergedWithPrevious")).encode("a a") == Ids{'a', ' ', 'a'});
  CHECK(with(split(" ", "MergedWithNext")).encode("a a") == Ids{'a', 256});
  CHECK(with(split("[12]", "Contiguous")).encode("123") == Ids{257, '3'});
  CHECK(with({{"type", "Digits"}, {"individual_digits", true}}).encode("12") == Ids{'1', '2'});
  CHECK(with({{"type", "Digits"}, {"individual_digits", false}}).encode("123a") == Ids{258, 'a'});
  CHECK(with({{"type", "Split"}, {"pattern", {{"String", "."}}}, {"behavior", "Removed"}}).encode("1.2") ==
        Ids{'1', '2'});
}

TEST_CASE("added tokens: the longest one, and what their flags ask for", "[tokenizer]") {
  Json json = byte_level_json({});  // <|bos|> 256, <|eos|> 257
  const auto add = [&](int id, const std::string& content, const Json& flags) {
    Json token = added_token(id, content, false);
    token.update(flags);
    json["added_tokens"].push_back(token);
  };
  add(258, "<x>", {{"lstrip", true}, {"rstrip", true}});
  add(259, "<x><y>", {{"single_word", false}});
  add(260, "word", {{"single_word", true}});
  const Tokenizer tokenizer = load_tokenizer(json);
  CHECK(tokenizer.encode("<x><y>") == Ids{259});
  CHECK(tokenizer.encode("<x><x><y>") == Ids{258, 259});
  CHECK(tokenizer.encode("a \n<x>\u3000b") == Ids{'a', 258, 'b'});
  CHECK(tokenizer.encode("(word)") == Ids{'(', 260, ')'});
  CHECK(tokenizer.encode("words") == Ids{'w', 'o', 'r', 'd', 's'});
  CHECK(tokenizer.encode("éword").size() == 6);
  CHECK(tokenizer.decode(Ids{258, 256, 260}) == "<x>word");  // only the special one is left out
}

TEST_CASE("added tokens may be looked for in the normalised text", "[tokenizer]") {
  Json json = metaspace_words();
  json["added_tokens"].push_back(added_token(267, "c c", false));
  CHECK(load_tokenizer(json).encode("bc c") == Ids{259, 261, 267});
  json["added_tokens"][3]["normalized"] = true;  // looked for as "▁c▁c"
  CHECK(load_tokenizer(json).encode("bc c") == Ids{259, 261, 262, 259, 262});
  CHECK(load_tokenizer(json).encode("b c c") == Ids{259, 261, 267});
}

TEST_CASE("any text comes back", "[tokenizer]") {
  const Tokenizer bytes = load_tokenizer(byte_level_json({{"Ġ", "t"}, {"Ã", "©"}}));
  const Tokenizer pieces = load_tokenizer(metaspace_words());
  Random random(11);
  for (int i = 0; i < 300; ++i) {
    const std::string text = random_text(random);
    CHECK(bytes.decode(bytes.encode(text)) == text);
    if (text.find("▁") == std::string::npos) CHECK(pieces.decode(pieces.encode(text)) == text);
  }
}

TEST_CASE("texts are normalised as the file says", "[tokenizer]") {
  const auto seen = [](const Json& normalizer, const std::string& text) {
    Json json = byte_level_json({});
    json["normalizer"] = normalizer;
    const Tokenizer tokenizer = load_tokenizer(json);
    return tokenizer.decode(tokenizer.encode(text));
  };
  const auto replace = [](const Json& pattern, const std::string& content) {
    return Json{{"type", "Replace"}, {"pattern", pattern}, {"content", content}};
  };
  CHECK(seen({{"type", "NFC"}}, "cafe\u0301 \u212B \u1112\u1161 ﬁ") == "café Å 하 ﬁ");
  CHECK(seen({{"type", "NFD"}}, "é") == "e\u0301");
  CHECK(seen({{"type", "NFKC"}}, "ﬁ ①e\u0301") == "fi 1é");
  CHECK(seen({{"type", "NFKD"}}, "ﬁé") == "fie\u0301");
  CHECK(seen({{"type", "Lowercase"}}, "ÀẞİΣ") == "àßi\u0307σ");
  CHECK(seen({{"type", "Strip"}, {"strip_left", true}, {"strip_right", false}}, " \u3000a ") == "a ");
  CHECK(seen({{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}}, " a \n") == " a");
  CHECK(seen({{"type", "StripAccents"}}, "e\u0301\u20DDa") == "ea");
  CHECK(seen({{"type", "Nmt"}}, "a\x01\tb\u200Bc") == "a b c");
  CHECK(seen(replace({{"String", "aa"}}, "b"), "aaaa a") == "bb a");
  CHECK(seen(replace({{"Regex", " {2,}"}}, "_$1"), "a   b c") == "a_$1b c");
  CHECK(seen({{"type", "Sequence"}, {"normalizers", {{{"type", "NFD"}}, {{"type", "StripAccents"}}}}},
             "Éa") == "Ea");
}

TEST_CASE("an empty split pattern cuts between all characters", "[tokenizer]") {
  Json json = byte_level_json({{"a", "b"}});
  const Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const Json split = {{"type", "Split"}, {"pattern", {{"String", ""}}}, {"behavior", "Isolated"}};
  json["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {split, bytes}}};
  CHECK(load_tokenizer(json).encode("ab") == Ids{'a', 'b'});
}

TEST_CASE("a text is framed as the template says", "[tokenizer]") {
  Json json = byte_level_json({});
  const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const Json eos = {{"SpecialToken", {{"id", "<|eos|>"}, {"type_id", 0}}}};
  json["post_processor"] = {{"type", "TemplateProcessing"},
                            {"single", {text, eos}},
                            {"special_tokens", {{"<|eos|>", {{"id", "<|eos|>"}, {"ids", {257}}}}}}};
  const Tokenizer at_end = load_tokenizer(json);
  CHECK_FALSE(at_end.bos().has_value());
  CHECK(at_end.encode("a") == Ids{'a'});
  CHECK(at_end.encode_framed("a") == Ids{'a', 257});
  CHECK(at_end.encode_framed("") == Ids{257});
  json["post_processor"] = {
      {"type", "RobertaProcessing"}, {"sep", {"<|eos|>", 257}}, {"cls", {"<|bos|>", 256}}};
  CHECK(load_tokenizer(json).encode_framed("a") == Ids{256, 'a', 257});
}

TEST_CASE("what a file holds and nothing uses is named", "[tokenizer]") {
  Json json = byte_level_json({});
  CHECK(load_tokenizer(json).notes().empty());
  json["truncation"] = {{"max_length", 5}};
  json["pre_tokenizer"]["flavor"] = "mild";
  json["color"] = nullptr;
  const std::vector<std::string> notes = load_tokenizer(json).notes();
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].find(":truncation: not used") != std::string::npos);
  CHECK(notes[1].find(":pre_tokenizer.flavor: not used (\"mild\")") != std::string::npos);
}

TEST_CASE("text that is not UTF-8 is refused with its place", "[tokenizer]") {
  const Tokenizer tokenizer = load_tokenizer(byte_level_json({}));
  try {
    (void)tokenizer.encode("abc\xFF");
    FAIL("no error");
  } catch (const InputError& error) {
    CHECK(error.problem().where == "text, byte 3");
  }
}

TEST_CASE("a file that is no tokenizer is refused", "[tokenizer]") {
  const TempDir dir;
  CHECK_THROWS_AS(Tokenizer::load(dir.path("missing.json")), InputError);
  CHECK_THROWS_AS(Tokenizer::load(dir.root()), InputError);
  CHECK(where_refused(std::string()).starts_with(":line 1"));
  const std::string whole = byte_level_json({}).dump();
  CHECK(where_refused(whole.substr(0, whole.size() / 2)).starts_with(":line 1"));
  CHECK(where_refused(std::string("[1, 2]")).empty());
  CHECK(where_refused(std::string("{}")) == ":model");
  CHECK(where_refused(
            std::string(R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "a": 2}, "merges": []}})")) ==
        ":model.vocab.a");
  CHECK(where_refused(std::string(R"({"model": {"vocab": {"\xff": 0}, "merges": []}})"))
            .starts_with(":line 1"));
}

TEST_CASE("nesting without end is refused", "[tokenizer]") {
  for (const char* key : {"normalizer", "model", "added_tokens", "anything"}) {
    const std::string deep(300'000, '[');
    CHECK(where_refused("{\"" + std::string(key) + "\": " + deep).starts_with(":" + std::string(key)));
  }
}

// Each merge leaves one symbol less, whatever the file says: merges cannot go round in circles.
TEST_CASE("merges that make the same token in many ways, or of nothing, end", "[tokenizer]") {
  Json json = byte_level_json({{"a", "a"}, {"aa", "aa"}});
  Json& merges = json["model"]["merges"];
  for (int i = 0; i < 1000; ++i) {
    merges.push_back("a a");  // again, later
    merges.push_back("aa aa");
  }
  const Tokenizer again = load_tokenizer(json);
  const Ids ids = again.encode(std::string(100'000, 'a'));
  CHECK(again.decode(ids) == std::string(100'000, 'a'));
  CHECK(ids.size() == 25'000);
  Json nothing = byte_level_json({{"a", "b"}});
  nothing["model"]["merges"].push_back("ab ");
  CHECK(where_refused(nothing).starts_with(":model.merges"));
  nothing["model"]["merges"].back() = " ";
  CHECK(where_refused(nothing).starts_with(":model.merges"));
  nothing["model"]["merges"].back() = "ab ab";  // joins to no token
  CHECK(where_refused(nothing).starts_with(":model.merges"));
}

TEST_CASE("whatever is not reproduced exactly is refused by name", "[tokenizer]") {
  Json json = byte_level_json({});
  CHECK(where_refused(json) == "accepted");
  const auto with = [&](const char* name, const Json& value) {
    Json changed = json;
    changed[name] = value;
    return where_refused(changed);
  };
  CHECK(with("normalizer", {{"type", "BertNormalizer"}}) == ":normalizer.type");
  CHECK(with("normalizer", {{"type", "Sequence"}, {"normalizers", {{{"type", "Upper"}}}}}) ==
        ":normalizer.normalizers[0].type");
  CHECK(with("normalizer", {{"type", "Replace"}, {"pattern", {{"Regex", "\\ba"}}}, {"content", ""}}) ==
        ":normalizer.pattern.Regex");
  CHECK(with("normalizer", {{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", "x"}}) ==
        ":normalizer.pattern.String");
  CHECK(with("version", "2.0") == ":version");
  CHECK(with("normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA"}}) ==
        ":normalizer.precompiled_charsmap");
  CHECK(with("normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "?"}}) ==
        ":normalizer.precompiled_charsmap");
  CHECK(with("model", {{"type", "WordPiece"}}) == ":model.type");
  CHECK(with("pre_tokenizer", {{"type", "UnicodeScripts"}}) == ":pre_tokenizer.type");
  CHECK(with("pre_tokenizer",
             {{"type", "Split"}, {"pattern", {{"Regex", "\\ba"}}}, {"behavior", "Isolated"}}) ==
        ":pre_tokenizer.pattern.Regex");
  CHECK(with("pre_tokenizer", {{"type", "Split"}, {"pattern", {{"Regex", "a"}}}, {"behavior", "isolated"}}) ==
        ":pre_tokenizer.behavior");
  CHECK(with("pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "__"}}) ==
        ":pre_tokenizer.replacement");
  CHECK(with("pre_tokenizer", {{"type", "ByteLevel"}}) == ":pre_tokenizer.add_prefix_space");
  CHECK(with("decoder", {{"type", "WordPiece"}}) == ":decoder.type");
  CHECK(with("post_processor", {{"type", "Other"}}) == ":post_processor.type");
  CHECK(with("post_processor", bos_template("<|bos|>", 5000)) == ":post_processor");
  CHECK(with("added_tokens", {added_token(300, "<|bos|>"), added_token(257, "<|eos|>")}) ==
        ":added_tokens[0].id");
  CHECK(with("added_tokens", {added_token(256, "<|bos|>"), added_token(257, "<|bos|>")}) ==
        ":added_tokens[1].content");
  CHECK(with("added_tokens", {added_token(256, "<|bos|>"), added_token(257, "")}) ==
        ":added_tokens[1].content");
  CHECK(with("added_tokens", "none") == ":added_tokens");
}

TEST_CASE("the embedded tokenizer round-trips the embedded texts", "[tokenizer][data]") {
  const std::filesystem::path path = "data/model/tokenizer.json";
  if (!std::filesystem::exists(path)) return;
  const Tokenizer tokenizer = Tokenizer::load(path);
  REQUIRE(tokenizer.bos().has_value());
  CHECK(tokenizer.bos() == tokenizer.id_of("<|bos|>"));
  int texts = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("data")) {
    if (entry.path().extension() != ".txt" || entry.path().parent_path() == "data") continue;
    const std::string text = read_file(entry.path());
    INFO(entry.path());
    REQUIRE(tokenizer.decode(tokenizer.encode(text)) == text);
    ++texts;
  }
  CHECK(texts > 0);
}

TEST_CASE("stories260K: ids of the reference implementation", "[tokenizer][data]") {
  const auto path = shared_data() / "stories260K" / "tokenizer.json";
  if (!std::filesystem::exists(path)) return;
  const Tokenizer tokenizer = Tokenizer::load(path);
  CHECK(tokenizer.bos() == 1);
  CHECK(tokenizer.vocab_size() == 512);
  const std::string story = "Once upon a time, there was a little girl named Lily.";
  const Ids ids = {403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426};
  CHECK(tokenizer.encode(story) == ids);
  CHECK(tokenizer.decode(ids) == story);
  CHECK(tokenizer.encode("  Hello</s> 世界\n") ==
        Ids{410, 410, 346, 306, 414, 2, 410, 410, 231, 187, 153, 234, 152, 143, 13});
}
