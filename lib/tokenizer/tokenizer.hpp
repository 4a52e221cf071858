// Text to token ids and back, as Hugging Face's tokenizers do it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/gguf_vocabulary.hpp"

namespace toptheta {

class Tokenizer {
 public:
  // A tokenizer.json with a BPE or Unigram model, or SentencePiece's tokenizer.model, told apart by the
  // ending of the name. Throws InputError naming the file and the field on anything that would not be
  // reproduced exactly. docs/tokenizers.md lists what is taken.
  static Tokenizer load(const std::filesystem::path& path);
  // The tokenizer of a model directory: tokenizer.json, else tokenizer.model. Throws InputError where it has
  // neither.
  static Tokenizer load_directory(const std::filesystem::path& directory);
  // Ids as Hugging Face's tokenizer of the same model gives them, which llama.cpp's may differ from. Throws
  // InputError for a kind or split pattern that is not known, and for parts that contradict each other.
  static Tokenizer from_gguf(const GgufVocabulary& vocabulary);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Token ids of UTF-8 `text`, without BOS or EOS. Special tokens written out in the text are recognised, as
  // Hugging Face does. Throws InputError on invalid UTF-8.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;
  // The same between the tokens that the tokenizer puts before and after a text.
  [[nodiscard]] std::vector<std::int32_t> encode_framed(std::string_view text) const;

  // Text of the ids; special tokens are left out unless they are asked for. Invalid UTF-8 becomes U+FFFD, ids
  // that are no tokens have no text.
  enum class Specials { left_out, written };
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids,
                                   Specials specials = Specials::left_out) const;

  // One more than the largest id.
  [[nodiscard]] std::int64_t vocab_size() const;
  // What the tokenizer itself declares: id of a token's exact text.
  [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;
  // A token as the vocabulary has it ("Ġthe"), or nothing where no token has this id.
  [[nodiscard]] std::optional<std::string> piece(std::int32_t id) const;
  // Left out of decoded texts.
  [[nodiscard]] bool is_special(std::int32_t id) const;
  // Whether its post-processor puts BOS before a text, and which token that is.
  [[nodiscard]] std::optional<std::int32_t> bos() const;
  // The tokens that its post-processor puts after a text (EOS); hardly ever more than one.
  [[nodiscard]] std::span<const std::int32_t> after() const;

  // Sentences about what its file holds and nothing uses: to be shown once.
  [[nodiscard]] const std::vector<std::string>& notes() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace toptheta
