#include "tasks/hellaswag_text.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>
#include <new>

#include "tokenizer/normalizer.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

PCRE2_SPTR units(std::string_view text) {
  return static_cast<PCRE2_SPTR>(static_cast<const void*>(text.data()));
}

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};

// Text from an opening bracket to the next closing one, on the same line, is left out.
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
  if (text.empty()) return "";
  static constexpr std::string_view kPattern = "^(.)(.*)$";
  static constexpr std::string_view kReplacement = R"(\u$1\L$2)";
  int error = 0;
  PCRE2_SIZE offset = 0;
  const std::unique_ptr<pcre2_code, FreeCode> code(
      pcre2_compile(units(kPattern), kPattern.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, &error, &offset, nullptr));
  if (!code) throw std::bad_alloc();
  // A letter and its other case may differ in length, in UTF-8 by less than a factor of three.
  std::string result(3 * text.size() + 1, '\0');
  PCRE2_SIZE length = result.size();
  const int count = pcre2_substitute(code.get(), units(text), text.size(), 0, PCRE2_SUBSTITUTE_EXTENDED,
                                     nullptr, nullptr, units(kReplacement), kReplacement.size(),
                                     static_cast<PCRE2_UCHAR*>(static_cast<void*>(result.data())), &length);
  if (count < 0) throw std::bad_alloc();
  result.resize(length);
  return result;
}

std::string without_wikihow_marks(std::string_view text) {
  const std::string titled = replace_all(strip_white_space(text), " [title]", ". ");
  return replace_all(without_brackets(titled), "  ", " ");
}

}  // namespace toptheta
