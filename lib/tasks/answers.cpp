#include "tasks/answers.hpp"

#include <algorithm>
#include <optional>

#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

// The answer in a generated text; nullopt if `extract` finds none.
std::optional<std::string> extracted(const AnswerMatch& match, std::string_view generated) {
  if (!match.extract) return std::string(generated);
  const std::vector<std::string> found = match.extract->found_in(generated);
  if (found.empty()) return std::nullopt;
  return match.last ? found.back() : found.front();
}

// Python's string.punctuation, which lm-evaluation-harness removes.
bool is_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

std::string comparable(const AnswerMatch& match, std::string text) {
  for (const Substitution& ignored : match.ignore)
    text = ignored.all(text);
  if (match.ignore_case)
    std::ranges::transform(text, text.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  if (match.ignore_punctuation) std::erase_if(text, is_punctuation);
  return std::string(strip_white_space(text));
}

}  // namespace

std::string_view cut_at_stop(std::string_view text, std::span<const std::string> stop) {
  std::size_t end = text.size();
  for (const std::string& mark : stop)
    end = std::min(end, text.find(mark));
  return text.substr(0, end);
}

bool is_right(const AnswerMatch& match, std::string_view answer, std::string_view generated) {
  const std::optional<std::string> found = extracted(match, generated);
  return found && comparable(match, *found) == comparable(match, std::string(answer));
}

}  // namespace toptheta
