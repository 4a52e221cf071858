#include "tasks/text_filters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "tasks/hellaswag_text.hpp"
#include "tasks/wikitext_text.hpp"
#include "tokenizer/normalizer.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

using Arguments = std::span<const std::string>;

// Changes each text of a value by itself.
template <std::string (*Change)(std::string_view, Arguments)>
void each(FilterInput& value, Arguments arguments) {
  for (std::string& text : value.texts)
    text = Change(text, arguments);
}

std::string strip(std::string_view text, Arguments /*none*/) {
  return std::string(strip_white_space(text));
}
std::string strip_start(std::string_view text, Arguments /*none*/) {
  return std::string(text.substr(leading_white_space(text)));
}
std::string strip_end(std::string_view text, Arguments /*none*/) {
  return std::string(text.substr(0, text.size() - trailing_white_space(text)));
}
std::string capitalize(std::string_view text, Arguments /*none*/) {
  return capitalized(text);
}
std::string decapitalize(std::string_view text, Arguments /*none*/) {
  return decapitalized(text);
}
std::string wikihow(std::string_view text, Arguments /*none*/) {
  return without_wikihow_marks(text);
}
std::string detokenize(std::string_view text, Arguments /*none*/) {
  return detokenized_wikitext(text);
}
std::string drop_last(std::string_view text, Arguments /*none*/) {
  if (text.empty()) throw std::invalid_argument("a text of at least one character");
  std::size_t end = text.size() - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return std::string(text.substr(0, end));
}

std::size_t require_mark(std::size_t at, const std::string& mark) {
  if (at == std::string_view::npos) throw std::invalid_argument(fmt::format("a text with \"{}\"", mark));
  return at;
}
std::string before(std::string_view text, Arguments arguments) {
  return std::string(text.substr(0, require_mark(text.find(arguments[0]), arguments[0])));
}
std::string after(std::string_view text, Arguments arguments) {
  return std::string(text.substr(require_mark(text.find(arguments[0]), arguments[0]) + arguments[0].size()));
}
std::string before_last(std::string_view text, Arguments arguments) {
  return std::string(text.substr(0, require_mark(text.rfind(arguments[0]), arguments[0])));
}
std::string from_last(std::string_view text, Arguments arguments) {
  return std::string(text.substr(require_mark(text.rfind(arguments[0]), arguments[0])));
}
std::string after_last(std::string_view text, Arguments arguments) {
  const std::size_t at = text.rfind(arguments[0]);
  return std::string(at == std::string_view::npos ? text : text.substr(at + arguments[0].size()));
}
std::string replace(std::string_view text, Arguments arguments) {
  return arguments[0].empty() ? std::string(text) : replace_all(text, arguments[0], arguments[1]);
}
std::string unframe(std::string_view text, Arguments arguments) {
  const std::string& start = arguments[0];
  const std::string& end = arguments[1];
  if (text.size() < start.size() + end.size() || !text.starts_with(start) || !text.ends_with(end))
    throw std::invalid_argument(fmt::format("a text between \"{}\" and \"{}\"", start, end));
  return std::string(text.substr(start.size(), text.size() - start.size() - end.size()));
}

constexpr std::size_t kMostLetters = 26;

std::string letter(std::size_t index) {
  return std::string(1, static_cast<char>('A' + index));
}
void require_letters(const FilterInput& value) {
  if (!value.is_list || value.texts.size() > kMostLetters)
    throw std::invalid_argument("a list of at most 26 texts");
}
void letters(FilterInput& value, Arguments /*none*/) {
  require_letters(value);
  for (std::size_t i = 0; i < value.texts.size(); ++i)
    value.texts[i] = letter(i);
}
void lettered(FilterInput& value, Arguments /*none*/) {
  require_letters(value);
  for (std::size_t i = 0; i < value.texts.size(); ++i)
    value.texts[i] = letter(i) + ". " + value.texts[i];
}
void join(FilterInput& value, Arguments arguments) {
  if (!value.is_list) throw std::invalid_argument("a list of texts");
  value = {{fmt::format("{}", fmt::join(value.texts, arguments[0]))}, false};
}

constexpr TextFilter kFilters[] = {
    {"strip", 0, "without white space at both ends", each<strip>},
    {"strip_start", 0, "without white space at the start", each<strip_start>},
    {"strip_end", 0, "without white space at the end", each<strip_end>},
    {"capitalize", 0, "first letter upper case, all others lower case", each<capitalize>},
    {"decapitalize", 0, "first letter lower case", each<decapitalize>},
    {"drop_last", 0, "without the last character", each<drop_last>},
    {"before", 1, "what comes before the first 'mark', which must be there", each<before>},
    {"after", 1, "what comes after the first 'mark', which must be there", each<after>},
    {"before_last", 1, "what comes before the last 'mark', which must be there", each<before_last>},
    {"from_last", 1, "the last 'mark', which must be there, and what follows", each<from_last>},
    {"after_last", 1, "what comes after the last 'mark'; all if there is none", each<after_last>},
    {"replace", 2, "every 'mark' replaced by 'another'", each<replace>},
    {"unframe", 2, "what is between 'start' and 'end', both of which must be there", each<unframe>},
    {"letters", 0, "a list's letters: A, B, C, ...", letters},
    {"lettered", 0, "a list with its letters: A. first, B. second, ...", lettered},
    {"join", 1, "a list as one text, with 'between' between its texts", join},
    {"wikihow", 0, "HellaSwag's tidying of WikiHow articles", each<wikihow>},
    {"wikitext", 0, "WikiText's tokens joined to plain text", each<detokenize>},
};

}  // namespace

std::span<const TextFilter> text_filters() {
  return kFilters;
}

const TextFilter* find_text_filter(std::string_view name) {
  const auto* found = std::ranges::find(kFilters, name, &TextFilter::name);
  return found == std::end(kFilters) ? nullptr : found;
}

}  // namespace toptheta
