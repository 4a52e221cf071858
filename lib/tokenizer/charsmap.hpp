// SentencePiece's table of character replacements: the "precompiled_charsmap" of a tokenizer.json.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/json_reader.hpp"

namespace toptheta {

class Charsmap {
 public:
  // Reads the table from base64. It holds the size of a double array (Darts-clone), the array, and the
  // replacements, each of which ends with a zero byte. Throws InputError for anything else.
  static Charsmap parse(const JsonValue& field);

  // Replaces characters as Hugging Face's tokenizers do: a grapheme of up to 5 bytes is looked up as a whole;
  // if it is longer or not in the table, its code points are looked up one by one. Requires valid UTF-8.
  [[nodiscard]] std::string apply(std::string_view text) const;

 private:
  // The replacement for the shortest beginning of `chunk` that has one; it replaces the whole chunk.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view chunk) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace toptheta
