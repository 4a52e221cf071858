#include "tokenizer/added_tokens.hpp"

#include <algorithm>
#include <limits>

#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

// The word characters of Rust's regex crate, which Hugging Face's tokenizers use to find single words.
constexpr const char* kWordCharacter = R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}])";

std::string_view last_character(std::string_view text) {
  std::size_t start = text.size() - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U)
    --start;
  return text.substr(start);
}

}  // namespace

AddedTokens AddedTokens::parse(const std::optional<JsonValue>& field, const Vocabulary& vocabulary,
                               const Normalizer& normalizer) {
  AddedTokens added;
  if (field) {
    for (const JsonValue& token : field->elements())
      added.read(token, vocabulary, normalizer);
  }
  return added;
}

void AddedTokens::read(const JsonValue& field, const Vocabulary& vocabulary, const Normalizer& normalizer) {
  const bool special = field.flag_or("special", false);
  const AddedToken token = {.content = field.text("content"),
                            .single_word = field.flag_or("single_word", false),
                            .strip_left = field.flag_or("lstrip", false),
                            .strip_right = field.flag_or("rstrip", false),
                            .special = special,
                            .normalized = field.flag_or("normalized", !special)};
  if (token.content.empty()) field.at("content").fail("an empty token", "the text of the token");
  if (by_content_.contains(token.content))
    field.at("content").fail("the token appears twice", "one entry per token");
  const JsonValue id = field.at("id");
  const std::int32_t given = add(token, vocabulary, normalizer);
  if (id.integer(0, std::numeric_limits<std::int32_t>::max()) != given)
    id.fail("this token gets another id", std::to_string(given),
            "list the added tokens in the order of their ids");
}

std::int32_t AddedTokens::add(AddedToken token, const Vocabulary& vocabulary, const Normalizer& normalizer) {
  // Like Hugging Face's tokenizers, continue from the number of tokens, or from the last token added.
  const std::int64_t next = std::max(vocabulary.size(), end_id_);
  const std::int32_t id = vocabulary.id_of(token.content).value_or(static_cast<std::int32_t>(next));
  end_id_ = std::max(end_id_, std::int64_t{id} + 1);
  const auto index = static_cast<std::int32_t>(tokens_.size());
  by_content_.emplace(token.content, index);
  by_id_.emplace(id, index);
  if (token.single_word && !word_character_) word_character_.emplace(kWordCharacter, "a word character");
  if (token.normalized) {
    insert(normalized_, normalizer.apply(token.content), index);
  } else {
    insert(raw_, token.content, index);
  }
  tokens_.push_back({std::move(token), id});
  return id;
}

void AddedTokens::insert(Trie& trie, std::string_view pattern, std::int32_t token) {
  if (pattern.empty()) return;
  std::uint32_t node = 0;
  for (const char byte : pattern) {
    const std::uint64_t edge = static_cast<std::uint64_t>(node) << 8U | static_cast<unsigned char>(byte);
    const auto [found, is_new] = trie.edges.emplace(edge, static_cast<std::uint32_t>(trie.token.size()));
    if (is_new) trie.token.push_back(-1);
    node = found->second;
  }
  if (trie.token[node] < 0) trie.token[node] = token;
}

std::optional<AddedTokens::Match> AddedTokens::longest_match(const Trie& trie, std::string_view text,
                                                             std::size_t from) {
  if (trie.edges.empty()) return std::nullopt;
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    std::optional<Match> longest;
    std::uint32_t node = 0;
    for (std::size_t at = begin; at < text.size(); ++at) {
      const auto edge =
          trie.edges.find(static_cast<std::uint64_t>(node) << 8U | static_cast<unsigned char>(text[at]));
      if (edge == trie.edges.end()) break;
      node = edge->second;
      if (trie.token[node] >= 0) longest = Match{begin, at + 1, trie.token[node]};
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

bool AddedTokens::stands_alone(std::string_view text, const Match& match) const {
  const auto is_word = [&](std::string_view character) { return word_character_->found_in(character); };
  if (match.begin > 0 && is_word(last_character(text.substr(0, match.begin)))) return false;
  return match.end == text.size() || !is_word(text.substr(match.end, utf8_length(text[match.end])));
}

std::vector<Segment> AddedTokens::split(std::string_view text, const Trie& trie) const {
  std::vector<Segment> segments;
  std::size_t done = 0;
  std::size_t from = 0;
  while (const auto match = longest_match(trie, text, from)) {
    from = match->end;
    const auto& [token, id] = tokens_[static_cast<std::size_t>(match->token)];
    if (token.single_word && !stands_alone(text, *match)) continue;
    std::size_t begin = match->begin;
    std::size_t end = match->end;
    if (token.strip_left) begin = std::max(done, begin - trailing_white_space(text.substr(0, begin)));
    if (token.strip_right) end += leading_white_space(text.substr(end));
    if (begin > done) segments.push_back({text.substr(done, begin - done)});
    segments.push_back({{}, id});
    done = end;
  }
  if (done < text.size()) segments.push_back({text.substr(done)});
  return segments;
}

std::optional<std::int32_t> AddedTokens::id_of(std::string_view content) const {
  const auto found = by_content_.find(std::string(content));
  if (found == by_content_.end()) return std::nullopt;
  return tokens_[static_cast<std::size_t>(found->second)].id;
}

const std::string* AddedTokens::content(std::int32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &tokens_[static_cast<std::size_t>(found->second)].token.content;
}

bool AddedTokens::is_special(std::int32_t id) const {
  const auto found = by_id_.find(id);
  return found != by_id_.end() && tokens_[static_cast<std::size_t>(found->second)].token.special;
}

}  // namespace toptheta
