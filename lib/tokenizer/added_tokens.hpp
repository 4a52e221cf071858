// The "added_tokens" of a tokenizer.json: tokens that are found in the text itself, before any other rule
// applies.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/normalizer.hpp"
#include "tokenizer/regex.hpp"
#include "tokenizer/vocabulary.hpp"

namespace toptheta {

// A piece of text between added tokens, or an added token that was found in the text.
struct Segment {
  std::string_view text;             // a view of the text that was searched; empty for a token
  std::optional<std::int32_t> id{};  // the token's id; nothing for a piece of text
};

// An added token as a file describes it.
struct AddedToken {
  std::string content;
  bool single_word = false;  // found only if no word character is next to it
  bool strip_left = false;   // white space before it belongs to it
  bool strip_right = false;  // white space after it belongs to it
  bool special = false;      // left out of decoded texts
  bool normalized = false;   // searched in the normalised text
};

class AddedTokens {
 public:
  // Throws InputError if a token's id is not the one that Hugging Face's tokenizers would give it, or if two
  // tokens have the same content.
  static AddedTokens parse(const std::optional<JsonValue>& field, const Vocabulary& vocabulary,
                           const Normalizer& normalizer);

  // Adds a token and returns its id: that in the vocabulary, else the next free one. Its content must not be
  // empty or have been added before.
  std::int32_t add(AddedToken token, const Vocabulary& vocabulary, const Normalizer& normalizer);

  // Cut a text at the tokens that are searched before normalisation, or after it. The search goes from left
  // to right and takes the longest token at each place. Require valid UTF-8.
  [[nodiscard]] std::vector<Segment> split_raw(std::string_view text) const { return split(text, raw_); }
  [[nodiscard]] std::vector<Segment> split_normalized(std::string_view text) const {
    return split(text, normalized_);
  }

  [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view content) const;
  // The content of the added token with this id; null if there is none.
  [[nodiscard]] const std::string* content(std::int32_t id) const;
  [[nodiscard]] bool is_special(std::int32_t id) const;
  // One more than the largest id; 0 if there are no added tokens.
  [[nodiscard]] std::int64_t end_id() const { return end_id_; }

 private:
  struct Token {
    AddedToken token;
    std::int32_t id = 0;
  };
  // A trie over bytes; node 0 is the root.
  struct Trie {
    std::unordered_map<std::uint64_t, std::uint32_t> edges;  // node << 8 | byte -> node
    std::vector<std::int32_t> token{-1};  // by node: index of the token that ends here, or -1
  };
  struct Match {
    std::size_t begin;
    std::size_t end;
    std::int32_t token;
  };

  void read(const JsonValue& field, const Vocabulary& vocabulary, const Normalizer& normalizer);
  static void insert(Trie& trie, std::string_view pattern, std::int32_t token);
  static std::optional<Match> longest_match(const Trie& trie, std::string_view text, std::size_t from);
  [[nodiscard]] bool stands_alone(std::string_view text, const Match& match) const;
  [[nodiscard]] std::vector<Segment> split(std::string_view text, const Trie& trie) const;

  std::vector<Token> tokens_;
  std::unordered_map<std::string, std::int32_t> by_content_;  // index into tokens_
  std::unordered_map<std::int32_t, std::int32_t> by_id_;      // index into tokens_
  Trie raw_;
  Trie normalized_;
  std::int64_t end_id_ = 0;
  std::optional<Regex> word_character_;  // compiled only if some token is a single word
};

}  // namespace toptheta
