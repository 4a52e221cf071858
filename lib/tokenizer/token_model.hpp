// The "model" of a tokenizer: turns single words into token ids.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/json_reader.hpp"
#include "tokenizer/vocabulary.hpp"

namespace toptheta {

class TokenModel {
 public:
  // Reads the model of a tokenizer.json: BPE or Unigram. Throws InputError naming a field that is missing,
  // contradictory, or asks for something that is not implemented.
  static std::unique_ptr<TokenModel> parse(const JsonValue& field);

  TokenModel() = default;
  TokenModel(const TokenModel&) = delete;
  TokenModel& operator=(const TokenModel&) = delete;
  virtual ~TokenModel() = default;

  // Appends the ids of one word. Requires valid UTF-8. Safe to call from several threads.
  virtual void encode(std::string_view word, std::vector<std::int32_t>& ids) const = 0;
  [[nodiscard]] virtual const Vocabulary& vocabulary() const = 0;
  // The text of the ids, if the model decodes them by itself; nullopt if the tokenizer's decoder does.
  [[nodiscard]] virtual std::optional<std::string> decode(const std::vector<std::int32_t>& /*ids*/) const {
    return std::nullopt;
  }
};

}  // namespace toptheta
