// The "pattern" of a tokenizer.json: a string or a regular expression to search for in texts.
#pragma once
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "io/json_reader.hpp"
#include "tokenizer/regex.hpp"

namespace toptheta {

// `text` with every occurrence of `from` (not empty), left to right and without overlaps, replaced by `to`.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

// Compiles a regular expression in Oniguruma's syntax to one with the same matches. Throws InputError at
// `field` for constructs that cannot be translated exactly.
Regex regex_from_oniguruma(const std::string& expression, const JsonValue& field);

class Pattern {
 public:
  // Reads {"String": ...} or {"Regex": ...}. Throws InputError for anything else.
  static Pattern parse(const JsonValue& field);

  // An empty string matches between all characters, like an empty expression.
  explicit Pattern(std::string text);
  explicit Pattern(Regex regex) : pattern_(std::move(regex)) {}

  // The text as a sequence of matches and the spans between them, without gaps. Requires valid UTF-8.
  [[nodiscard]] std::vector<Span> find_matches(std::string_view text) const;
  // The text with every match replaced by `content`, which is taken literally.
  [[nodiscard]] std::string replace(std::string_view text, std::string_view content) const;

 private:
  std::variant<std::string, Regex> pattern_;
};

}  // namespace toptheta
