#include "tasks/answers.hpp"

#include <algorithm>
#include <cassert>

#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

constexpr std::string_view kMark = "#### ";

std::string plain_number(std::string_view text) {
  std::string number(text);
  std::erase_if(number, [](char c) { return c == ',' || c == '$'; });
  if (number.ends_with('.')) number.pop_back();
  return number;
}

// The number after the first mark that one follows; empty where there is none.
std::string generated_number(std::string_view text) {
  for (std::size_t mark = text.find(kMark); mark != std::string_view::npos;
       mark = text.find(kMark, mark + 1)) {
    const std::string_view rest = text.substr(mark + kMark.size());
    const std::size_t sign = rest.starts_with('-') ? 1 : 0;
    const std::size_t end = std::min(rest.find_first_not_of("0123456789.,", sign), rest.size());
    if (end > sign) return plain_number(rest.substr(0, end));
  }
  return "";
}

std::string reference_number(std::string_view answer) {
  const std::size_t mark = answer.rfind(kMark);
  return plain_number(
      strip_white_space(mark == std::string_view::npos ? answer : answer.substr(mark + kMark.size())));
}

}  // namespace

std::string_view cut_at_stop(std::string_view text, std::span<const std::string> stop) {
  std::size_t end = text.size();
  for (const std::string& mark : stop)
    end = std::min(end, text.find(mark));
  return text.substr(0, end);
}

bool is_right(const GenerationExample& example, std::string_view generated) {
  assert(example.rule != AnswerRule::none);
  if (example.rule == AnswerRule::gsm8k) {
    const std::string number = generated_number(generated);
    return !number.empty() && number == reference_number(example.answer);
  }
  return strip_white_space(generated) == strip_white_space(example.answer);
}

}  // namespace toptheta
