#include "tokenizer/pattern.hpp"

#include <algorithm>

#include "tokenizer/regex_syntax.hpp"

namespace toptheta {
namespace {

// Cuts the text at the occurrences of a string, which must not be empty.
std::vector<Span> find_occurrences(std::string_view text, std::string_view pattern) {
  std::vector<Span> spans;
  std::size_t covered = 0;
  while (covered < text.size()) {
    const std::size_t at = std::min(text.find(pattern, covered), text.size());
    if (at > covered) spans.push_back({covered, at, false});
    if (at < text.size()) spans.push_back({at, at + pattern.size(), true});
    covered = at + (at < text.size() ? pattern.size() : 0);
  }
  return spans;
}

}  // namespace

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, done)) {
    result.append(text.substr(done, at - done)).append(to);
    done = at + from.size();
  }
  return result.append(text.substr(done));
}

Regex regex_from_oniguruma(const std::string& expression, const JsonValue& field) {
  try {
    return {pcre2_from_oniguruma(expression), field.where()};
  } catch (const RegexSyntaxError& error) {
    field.fail(std::string("the regular expression cannot be reproduced exactly: ") + error.what());
  }
}

Pattern Pattern::parse(const JsonValue& field) {
  if (const auto regex = field.find("Regex")) return Pattern(regex_from_oniguruma(regex->text(), *regex));
  return Pattern(field.text("String"));
}

Pattern::Pattern(std::string text) : pattern_(std::move(text)) {
  if (std::get<std::string>(pattern_).empty()) pattern_ = Regex("", "an empty pattern");
}

std::vector<Span> Pattern::find_matches(std::string_view text) const {
  if (const auto* regex = std::get_if<Regex>(&pattern_)) {
    if (text.empty()) return {{0, 0, false}};
    return regex->find_matches(text);
  }
  return find_occurrences(text, std::get<std::string>(pattern_));
}

std::string Pattern::replace(std::string_view text, std::string_view content) const {
  if (const auto* from = std::get_if<std::string>(&pattern_)) return replace_all(text, *from, content);
  std::string result;
  for (const Span& span : find_matches(text))
    result.append(span.is_match ? content : text.substr(span.begin, span.end - span.begin));
  return result;
}

}  // namespace toptheta
