// The "pattern" of a tokenizer.json: a string or a regular expression that is looked for in texts.
#pragma once
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tokenizer/json_field.hpp"
#include "tokenizer/regex.hpp"

namespace toptheta {

// `text` with every occurrence of `from` (not empty), left to right and without overlaps, replaced by `to`.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

// A regular expression in Oniguruma's syntax, with the same matches. Throws InputError at `field` for what
// cannot be carried over exactly.
Regex regex_from_oniguruma(const std::string& expression, const JsonField& field);

class Pattern {
 public:
  // {"String": ...} or {"Regex": ...}. Throws InputError for anything else.
  static Pattern parse(const JsonField& field);

  // An empty string is found between all characters, as an empty expression is.
  explicit Pattern(std::string text);
  explicit Pattern(Regex regex) : pattern_(std::move(regex)) {}

  // The text cut into matches and what lies between them, in order, nothing left out. Requires valid UTF-8.
  [[nodiscard]] std::vector<Span> find_matches(std::string_view text) const;
  // Every match replaced by `content`, which is taken as it stands.
  [[nodiscard]] std::string replace(std::string_view text, std::string_view content) const;

 private:
  std::variant<std::string, Regex> pattern_;
};

}  // namespace toptheta
