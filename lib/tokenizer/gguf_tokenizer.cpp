// Builds a tokenizer from the vocabulary of a GGUF file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "core/error.hpp"
#include "tokenizer/bpe.hpp"
#include "tokenizer/gguf_patterns.hpp"
#include "tokenizer/parts.hpp"

namespace toptheta {
namespace {

enum TokenType : std::int32_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};

class GgufReader {
 public:
  explicit GgufReader(const GgufVocabulary& vocabulary) : from_(vocabulary) {}

  TokenizerParts run() {
    check_sizes();
    if (from_.model == "gpt2") {
      byte_level();
    } else if (from_.model == "llama") {
      sentencepiece();
    } else {
      fail("model", "a kind of tokenizer that is not computed", "gpt2 or llama", from_.model);
    }
    add_special_tokens();
    frame();
    return std::move(parts_);
  }

 private:
  [[noreturn]] void fail(std::string_view key, const std::string& what, const std::string& expected,
                         const std::string& found) const {
    throw InputError({.where = fmt::format("{}: tokenizer.ggml.{}", from_.source, key),
                      .what = what,
                      .expected = expected,
                      .found = found});
  }
  [[nodiscard]] TokenType type(std::size_t id) const {
    return from_.types.empty() ? normal : static_cast<TokenType>(from_.types[id]);
  }

  void check_sizes() const {
    const std::size_t count = from_.tokens.size();
    if (count == 0 || count >= Vocabulary::kEndOfIds)
      fail("tokens", "wrong number of tokens", fmt::format("1 to {}", Vocabulary::kEndOfIds - 1),
           std::to_string(count));
    if (!from_.types.empty() && from_.types.size() != count)
      fail("token_type", "not one for each token", std::to_string(count), std::to_string(from_.types.size()));
    for (std::size_t id = 0; id < from_.types.size(); ++id)
      if (from_.types[id] < 0 || from_.types[id] > byte)
        fail(fmt::format("token_type[{}]", id), "not a type of tokens", "0 to 6",
             std::to_string(from_.types[id]));
    if (!from_.scores.empty() && from_.scores.size() != count)
      fail("scores", "not one for each token", std::to_string(count), std::to_string(from_.scores.size()));
  }

  [[nodiscard]] Vocabulary vocabulary() const {
    Vocabulary vocabulary;
    for (std::size_t id = 0; id < from_.tokens.size(); ++id) {
      const std::string& token = from_.tokens[id];
      if (find_invalid_utf8(token))
        fail(fmt::format("tokens[{}]", id), "not UTF-8", "a token", "other bytes");
      if (!vocabulary.add(token, static_cast<std::int32_t>(id)))
        fail(fmt::format("tokens[{}]", id), "token given twice", "different tokens", token);
    }
    return vocabulary;
  }

  // Parses a part of a tokenizer.json that this program itself has written.
  [[nodiscard]] JsonValue own(std::string_view text) const { return parse_json(text, from_.source); }

  void byte_level() {
    const bool unnamed = from_.pre.empty() || from_.pre == "default";
    const GgufPattern* pattern = gguf_pattern(unnamed ? "gpt-2" : from_.pre);
    if (pattern == nullptr)
      fail("pre", "a split pattern that is not known",
           fmt::format("{}", fmt::join(gguf_pattern_names(), ", ")), from_.pre);
    if (unnamed)
      parts_.notes.push_back(
          fmt::format("{}: tokenizer.ggml.pre names no split pattern: GPT-2's is used", from_.source));
    std::string steps;
    for (const std::string_view split : pattern->splits)
      steps.append(split).append(", ");
    parts_.pre_tokenizer = PreTokenizer::parse(
        own(fmt::format(R"({{"type": "Sequence", "pretokenizers": [{}{{"type": "ByteLevel", )"
                        R"("add_prefix_space": false, "use_regex": {}}}]}})",
                        steps, pattern->gpt2_words)));
    if (pattern->nfc) parts_.normalizer = Normalizer::parse(own(R"({"type": "NFC"})"));
    parts_.decoder = Decoder::parse(own(R"({"type": "ByteLevel"})"));
    adds_bos_ = pattern->adds_bos;
    if (from_.merges.empty()) fail("merges", "missing", "the merges of a byte-level tokenizer", "none");
    auto model =
        std::make_unique<BpeModel>(vocabulary(), BpeOptions{.ignore_merges = pattern->ignore_merges});
    for (std::size_t rank = 0; rank < from_.merges.size(); ++rank) {
      const std::string_view text = from_.merges[rank];
      const std::size_t space = text.find(' ', 1);
      if (space == std::string_view::npos ||
          !model->add_merge(text.substr(0, space), text.substr(space + 1), static_cast<std::int32_t>(rank)))
        fail(fmt::format("merges[{}]", rank), "not a merge of tokens",
             "two tokens of the vocabulary with a space between them, which join to a third",
             std::string(text));
    }
    parts_.model = std::move(model);
  }

  void sentencepiece() {
    if (from_.scores.empty()) fail("scores", "missing", "a score for each token", "none");
    if (from_.remove_whitespaces.value_or(false))
      fail("remove_extra_whitespaces", "not computed for this kind", "false", "true");
    const bool prefix = from_.add_space_prefix.value_or(true);
    parts_.normalizer =
        Normalizer::parse(own(fmt::format(R"({{"type": "Sequence", "normalizers": [{}{{"type": "Replace", )"
                                          R"("pattern": {{"String": " "}}, "content": "▁"}}]}})",
                                          prefix ? R"({"type": "Prepend", "prepend": "▁"}, )" : "")));
    parts_.decoder = Decoder::parse(
        own(fmt::format(R"({{"type": "Sequence", "decoders": [{{"type": "Replace", )"
                        R"("pattern": {{"String": "▁"}}, "content": " "}}, {{"type": "ByteFallback"}}, )"
                        R"({{"type": "Fuse"}}{}]}})",
                        prefix ? R"(, {"type": "Strip", "content": " ", "start": 1, "stop": 0})" : "")));
    adds_bos_ = true;
    BpeOptions options{.fuse_unknown = true, .byte_fallback = true};
    options.unknown = from_.unknown;
    for (std::size_t id = 0; !options.unknown && id < from_.types.size(); ++id) {
      if (type(id) == unknown) options.unknown = static_cast<std::int32_t>(id);
    }
    if (options.unknown) require_token("unknown_token_id", *options.unknown);
    auto model = std::make_unique<BpeModel>(vocabulary(), options);
    add_merges_by_score(*model);
    parts_.model = std::move(model);
  }

  // SentencePiece merges any two neighbours that together are a piece; the piece with the highest score comes
  // first.
  void add_merges_by_score(BpeModel& model) const {
    std::map<float, std::int32_t, std::greater<>> ranks;
    for (const float score : from_.scores)
      ranks.emplace(score, 0);
    std::int32_t next = 0;
    for (auto& [score, rank] : ranks)
      rank = next++;
    const auto joins = [&](std::size_t id) { return type(id) == normal || type(id) == user_defined; };
    for (std::size_t id = 0; id < from_.tokens.size(); ++id) {
      const std::string_view token = from_.tokens[id];
      if (!joins(id) || token.size() > kLongestMerged) continue;
      const std::int32_t rank = ranks.at(from_.scores[id]);
      for (std::size_t cut = token.empty() ? 0 : utf8_length(token[0]); cut < token.size();
           cut += utf8_length(token[cut])) {
        const auto left = model.vocabulary().id_of(token.substr(0, cut));
        const auto right = model.vocabulary().id_of(token.substr(cut));
        if (left && right && joins(static_cast<std::size_t>(*left)) &&
            joins(static_cast<std::size_t>(*right)))
          model.add_merge(token.substr(0, cut), token.substr(cut), rank);
      }
    }
  }

  void add_special_tokens() {
    for (std::size_t id = 0; id < from_.tokens.size(); ++id) {
      const TokenType kind = type(id);
      const bool special = kind == control || kind == unknown;
      if ((special || kind == user_defined) && !from_.tokens[id].empty())
        parts_.added.add({.content = from_.tokens[id], .special = special}, parts_.model->vocabulary(),
                         parts_.normalizer);
    }
  }

  void require_token(std::string_view key, std::int32_t id) const {
    if (id < 0 || id >= std::ssize(from_.tokens))
      fail(key, "not in the vocabulary", fmt::format("an id below {}", from_.tokens.size()),
           std::to_string(id));
  }

  void frame() {
    if (from_.bos) require_token("bos_token_id", *from_.bos);
    if (from_.eos) require_token("eos_token_id", *from_.eos);
    if (from_.add_bos.value_or(adds_bos_)) {
      if (!from_.bos) fail("bos_token_id", "missing", "the token that add_bos_token asks for", "none");
      parts_.frame.before = from_.bos;
    }
    if (from_.add_eos.value_or(false)) {
      if (!from_.eos) fail("eos_token_id", "missing", "the token that add_eos_token asks for", "none");
      parts_.frame.after.push_back(*from_.eos);
    }
  }

  static constexpr std::size_t kLongestMerged = 4096;  // bytes of a piece; the work grows with their square

  const GgufVocabulary& from_;
  TokenizerParts parts_;
  bool adds_bos_ = false;
};

}  // namespace

TokenizerParts parts_of_gguf(const GgufVocabulary& vocabulary) {
  return GgufReader(vocabulary).run();
}

}  // namespace toptheta
