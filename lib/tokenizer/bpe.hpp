// Byte-pair encoding of single words: the "model" of a tokenizer.json.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/json_field.hpp"

namespace toptheta {

class BpeModel {
 public:
  // Throws InputError naming the field that is missing, contradictory, or asks for something not reproduced
  // here.
  static BpeModel parse(const JsonField& field);

  BpeModel(BpeModel&&) noexcept;
  BpeModel& operator=(BpeModel&&) noexcept;
  ~BpeModel();

  // Appends the ids of one word. O(n log n) in its length. Requires valid UTF-8. Safe to call from several
  // threads. A character that has neither a token nor bytes nor an unknown token to fall back on vanishes, as
  // in Hugging Face's tokenizers.
  void encode(std::string_view word, std::vector<std::int32_t>& ids) const;

  [[nodiscard]] std::int64_t vocab_size() const { return static_cast<std::int64_t>(tokens_.size()); }
  [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;
  // Requires 0 <= id < vocab_size().
  [[nodiscard]] const std::string& token(std::int32_t id) const {
    return *tokens_[static_cast<std::size_t>(id)];
  }

 private:
  struct Merge {
    std::int32_t rank;
    std::int32_t id;  // of the joined token
  };
  struct Candidate;
  struct Symbol;
  class Cache;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct PairHash {
    // Neighbouring ids would fill neighbouring buckets only; the multiplier spreads them.
    std::size_t operator()(std::uint64_t pair) const { return (pair ^ pair >> 29) * 0x9E3779B97F4A7C15U; }
  };

  BpeModel();
  void read_options(const JsonField& field);
  void read_vocab(const JsonField& field);
  void read_merges(const JsonField& field);
  [[nodiscard]] const Merge* merge_of(std::int32_t left, std::int32_t right) const;
  [[nodiscard]] std::vector<Symbol> symbols_of(std::string_view word) const;
  [[nodiscard]] bool add_bytes(std::string_view character, std::vector<Symbol>& symbols) const;
  void merge_all(std::vector<Symbol>& symbols) const;

  std::unordered_map<std::string, std::int32_t, TextHash, std::equal_to<>> vocab_;
  std::vector<const std::string*> tokens_;  // by id; the strings are vocab_'s keys
  std::unordered_map<std::uint64_t, Merge, PairHash> merges_;
  std::array<std::optional<std::int32_t>, 256> byte_tokens_{};  // ids of <0x00> ... <0xFF>
  std::optional<std::int32_t> unknown_;
  bool fuse_unknown_ = false;
  bool byte_fallback_ = false;
  bool ignore_merges_ = false;
  std::unique_ptr<Cache> cache_;
};

}  // namespace toptheta
