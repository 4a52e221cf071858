// Byte-pair encoding of single words: the "model" of a tokenizer.json.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/token_model.hpp"

namespace toptheta {

// What is left when a character has no token of its own, and how merges are used.
struct BpeOptions {
  std::optional<std::int32_t> unknown{};  // the token that stands for unknown characters
  bool fuse_unknown = false;              // a run of them becomes one
  bool byte_fallback = false;             // tokens <0x00> ... <0xFF> before `unknown`
  bool ignore_merges = false;             // a word that is a token is that token
};

class BpeModel final : public TokenModel {
 public:
  // Throws InputError naming the field that is missing, contradictory, or asks for something not reproduced
  // here.
  static std::unique_ptr<BpeModel> parse(const JsonField& field);

  BpeModel(Vocabulary vocabulary, const BpeOptions& options);
  ~BpeModel() override;

  // Lower ranks are merged first; of equal ranks the leftmost. A pair given again takes the new rank. False,
  // and nothing changed, where a part or what they join to is no token.
  bool add_merge(std::string_view left, std::string_view right, std::int32_t rank);

  // O(n log n) in the word's length. A character that has neither a token nor bytes nor an unknown token to
  // fall back on vanishes, as in Hugging Face's tokenizers.
  void encode(std::string_view word, std::vector<std::int32_t>& ids) const override;
  [[nodiscard]] const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  struct Merge {
    std::int32_t rank;
    std::int32_t id;  // of the joined token
  };
  struct Candidate;
  struct Symbol;
  class Cache;
  struct PairHash {
    // Neighbouring ids would fill neighbouring buckets only; the multiplier spreads them.
    std::size_t operator()(std::uint64_t pair) const { return (pair ^ pair >> 29) * 0x9E3779B97F4A7C15U; }
  };

  void read_merges(const JsonField& field);
  [[nodiscard]] const Merge* merge_of(std::int32_t left, std::int32_t right) const;
  [[nodiscard]] std::vector<Symbol> symbols_of(std::string_view word) const;
  [[nodiscard]] bool add_bytes(std::string_view character, std::vector<Symbol>& symbols) const;
  void merge_all(std::vector<Symbol>& symbols) const;

  Vocabulary vocabulary_;
  BpeOptions options_;
  std::unordered_map<std::uint64_t, Merge, PairHash> merges_;
  std::array<std::optional<std::int32_t>, 256> byte_tokens_{};  // ids of <0x00> ... <0xFF>
  std::unique_ptr<Cache> cache_;
};

// The token that stands for a byte where characters are spelled in bytes: "<0x0A>".
std::string byte_token(unsigned char byte);

}  // namespace toptheta
