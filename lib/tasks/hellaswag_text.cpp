#include "tasks/hellaswag_text.hpp"

#include "tasks/substitute.hpp"
#include "tokenizer/normalizer.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

// Removes text from an opening bracket to the next closing one on the same line.
std::string without_brackets(std::string_view text) {
  std::string result;
  std::size_t done = 0;
  std::size_t open = text.find('[');
  while (open != std::string_view::npos) {
    const std::size_t close = text.find_first_of("]\n", open);
    if (close == std::string_view::npos) break;
    if (text[close] == ']') {
      result.append(text.substr(done, open - done));
      done = close + 1;
    }
    open = text.find('[', close);
  }
  return result.append(text.substr(done));
}

}  // namespace

std::string capitalized(std::string_view text) {
  static const Substitution kFirstUpper(R"((?s)\A(.)(.*)\z)", R"(\u$1\L$2)");
  return kFirstUpper.all(text);
}

std::string decapitalized(std::string_view text) {
  static const Substitution kFirstLower(R"((?s)\A(.))", R"(\l$1)");
  return kFirstLower.all(text);
}

std::string without_wikihow_marks(std::string_view text) {
  const std::string titled = replace_all(strip_white_space(text), " [title]", ". ");
  return replace_all(without_brackets(titled), "  ", " ");
}

}  // namespace toptheta
