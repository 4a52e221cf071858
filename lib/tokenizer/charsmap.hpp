// SentencePiece's table of characters to replace: the "precompiled_charsmap" of a tokenizer.json.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/json_field.hpp"

namespace toptheta {

class Charsmap {
 public:
  // Base64 of a table: the size of a double array (Darts-clone), the array, and the replacements, each ended
  // by a zero byte. Throws InputError where it is not of that form.
  static Charsmap parse(const JsonField& field);

  // As Hugging Face's tokenizers apply it: what a reader takes for one character, up to 5 bytes of it, is
  // looked up as a whole, then code point by code point. Requires valid UTF-8.
  [[nodiscard]] std::string apply(std::string_view text) const;

 private:
  // Replacement for the shortest beginning of `chunk` that has one; it stands for the whole chunk.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view chunk) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace toptheta
