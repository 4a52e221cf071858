// Turns text into token ids and back, with the same results as Hugging Face's tokenizers.
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
  // Loads a tokenizer.json with a BPE or Unigram model, or SentencePiece's tokenizer.model; the ending of the
  // name tells which. Throws InputError naming the file and the field for anything that would not be
  // reproduced exactly. docs/tokenizers.md lists what is accepted.
  static Tokenizer load(const std::filesystem::path& path);
  // Loads the tokenizer of a model directory: tokenizer.json, else tokenizer.model. Throws InputError if it
  // has neither.
  static Tokenizer load_directory(const std::filesystem::path& directory);
  // Makes a tokenizer that gives the ids of Hugging Face's tokenizer for the same model, from which
  // llama.cpp's may differ. Throws InputError for an unknown kind or split pattern, and for parts that
  // contradict each other.
  static Tokenizer from_gguf(const GgufVocabulary& vocabulary);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // The token ids of UTF-8 `text`, without BOS or EOS. Special tokens that are written out in the text are
  // recognised, as in Hugging Face's tokenizers. Throws InputError for invalid UTF-8.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;
  // The same, with the tokens that the tokenizer adds before and after a text.
  [[nodiscard]] std::vector<std::int32_t> encode_framed(std::string_view text) const;

  // The text of the ids. Special tokens are left out unless `specials` asks for them. Invalid UTF-8 becomes
  // U+FFFD; ids that are not in the vocabulary are skipped.
  enum class Specials { left_out, written };
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids,
                                   Specials specials = Specials::left_out) const;

  // One more than the largest id.
  [[nodiscard]] std::int64_t vocab_size() const;
  // The id of the token with exactly this text; nullopt if there is none.
  [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;
  // A token as the vocabulary spells it ("Ġthe"); nullopt if no token has this id.
  [[nodiscard]] std::optional<std::string> piece(std::int32_t id) const;
  // Whether the token is left out of decoded texts.
  [[nodiscard]] bool is_special(std::int32_t id) const;
  // The token (BOS) that the tokenizer itself adds before a text, if any.
  [[nodiscard]] std::optional<std::int32_t> bos() const;
  // The tokens (EOS) that the tokenizer itself adds after a text; rarely more than one.
  [[nodiscard]] std::span<const std::int32_t> after() const;

  // Sentences about what its file holds but nothing uses, to be shown to the user once.
  [[nodiscard]] const std::vector<std::string>& notes() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace toptheta
