// Byte-pair encoding of single words: the "model" of a tokenizer.json with type BPE.
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

// What becomes of a character that is not in the vocabulary, and how merges are used.
struct BpeOptions {
  std::optional<std::int32_t> unknown{};  // the token that stands for unknown characters
  bool fuse_unknown = false;              // a run of unknown characters becomes one such token
  bool byte_fallback = false;  // spell a character in tokens <0x00> ... <0xFF> rather than use `unknown`
  bool ignore_merges = false;  // a word that is a token becomes that token, whatever the merges
};

class BpeModel final : public TokenModel {
 public:
  // Throws InputError naming a field that is missing, contradictory, or asks for something that is not
  // implemented.
  static std::unique_ptr<BpeModel> parse(const JsonValue& field);

  BpeModel(Vocabulary vocabulary, const BpeOptions& options);
  ~BpeModel() override;

  // Adds a merge. Lower ranks are merged first, and the leftmost pair first among equal ranks. A pair that
  // was added before takes the new rank. Returns false and changes nothing if one of the parts, or both
  // joined, is not a token.
  bool add_merge(std::string_view left, std::string_view right, std::int32_t rank);

  // Time: O(n log n) in the word's length. A character is dropped if it has no token, no byte tokens and no
  // unknown token to fall back on, as in Hugging Face's tokenizers.
  void encode(std::string_view word, std::vector<std::int32_t>& ids) const override;
  [[nodiscard]] const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  struct Merge {
    std::int32_t rank;
    std::int32_t id;  // id of the joined token
  };
  struct Candidate;
  struct Symbol;
  class Cache;
  struct PairHash {
    // Without the multiplier, neighbouring ids would crowd into neighbouring buckets.
    std::size_t operator()(std::uint64_t pair) const { return (pair ^ pair >> 29) * 0x9E3779B97F4A7C15U; }
  };

  void read_merges(const JsonValue& field);
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

// The token that stands for a byte under byte fallback, such as "<0x0A>".
std::string byte_token(unsigned char byte);

}  // namespace toptheta
