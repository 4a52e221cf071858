// SentencePiece's own tokenizer.model, by its own library.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "tokenizer/token_model.hpp"

namespace toptheta {

class SentencePieceModel final : public TokenModel {
 public:
  // Throws InputError where the library cannot read the file.
  explicit SentencePieceModel(const std::filesystem::path& path);
  ~SentencePieceModel() override;

  // Whole texts, not words: the model has its own normaliser and cuts at spaces by itself.
  void encode(std::string_view text, std::vector<std::int32_t>& ids) const override;
  [[nodiscard]] std::optional<std::string> decode(const std::vector<std::int32_t>& ids) const override;
  [[nodiscard]] const Vocabulary& vocabulary() const override { return vocabulary_; }

  // Tokens that never come from a text: <s>, </s>, <unk>.
  [[nodiscard]] bool is_control(std::int32_t id) const;
  [[nodiscard]] std::optional<std::int32_t> bos() const;
  [[nodiscard]] std::optional<std::int32_t> eos() const;

 private:
  struct Processor;
  std::unique_ptr<Processor> processor_;
  Vocabulary vocabulary_;
};

}  // namespace toptheta
