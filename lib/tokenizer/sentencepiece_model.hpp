// SentencePiece's own tokenizer.model, run by SentencePiece's own library.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "tokenizer/token_model.hpp"

namespace toptheta {

class SentencePieceModel final : public TokenModel {
 public:
  // Throws InputError if the library cannot read the file.
  explicit SentencePieceModel(const std::filesystem::path& path);
  ~SentencePieceModel() override;

  // Takes a whole text rather than a word, because the model has its own normaliser and splits at spaces by
  // itself.
  void encode(std::string_view text, std::vector<std::int32_t>& ids) const override;
  [[nodiscard]] std::optional<std::string> decode(const std::vector<std::int32_t>& ids) const override;
  [[nodiscard]] const Vocabulary& vocabulary() const override { return vocabulary_; }

  // Whether the token is one that the library never finds in a text: <s>, </s>, <unk>.
  [[nodiscard]] bool is_control(std::int32_t id) const;
  [[nodiscard]] std::optional<std::int32_t> bos() const;
  [[nodiscard]] std::optional<std::int32_t> eos() const;

 private:
  struct Processor;
  std::unique_ptr<Processor> processor_;
  Vocabulary vocabulary_;
};

}  // namespace toptheta
