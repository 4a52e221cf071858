// Text to token ids and back, as a Hugging Face tokenizer.json defines it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

class Tokenizer {
 public:
  // Reads a tokenizer.json with a BPE model of either kind: SentencePiece-like (metaspace, byte fallback) or
  // byte-level (split pattern, byte alphabet). Throws InputError naming the file and the field on anything
  // that this implementation would not reproduce exactly.
  static Tokenizer load(const std::filesystem::path& path);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Token ids of UTF-8 `text`, without BOS or EOS. Special tokens written out in the text are recognised, as
  // Hugging Face does. Throws InputError on invalid UTF-8.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;
  // Text of the ids; special tokens are left out. Invalid UTF-8 becomes U+FFFD.
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

  [[nodiscard]] std::int64_t vocab_size() const;
  // What the tokenizer itself declares: id of a token's exact text.
  [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;
  // Whether its post-processor puts BOS before a text, and which token that is.
  [[nodiscard]] std::optional<std::int32_t> bos() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace toptheta
