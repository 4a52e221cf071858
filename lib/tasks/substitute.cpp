#include "tasks/substitute.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <new>

#include "core/error.hpp"

namespace toptheta {
namespace {

constexpr std::uint32_t kMatchLimit = 10'000'000;

PCRE2_SPTR code_units(std::string_view text) {
  return static_cast<PCRE2_SPTR>(static_cast<const void*>(text.data()));
}

std::string reason_of(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return static_cast<const char*>(static_cast<const void*>(text.data()));
}

}  // namespace

struct Substitution::Compiled {
  Compiled(const std::string& pattern, const std::string& where) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code = pcre2_compile(code_units(pattern), pattern.size(), PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY,
                         &error, &offset, nullptr);
    if (code == nullptr)
      throw InputError({.where = where,
                        .what = "not a regular expression: " + reason_of(error),
                        .found = pattern,
                        .next = "write it in the syntax of PCRE2"});
    context = pcre2_match_context_create(nullptr);
    if (context == nullptr) throw std::bad_alloc();
    pcre2_set_match_limit(context, kMatchLimit);
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    pcre2_code_free(code);
    pcre2_match_context_free(context);
  }
  pcre2_code* code = nullptr;
  pcre2_match_context* context = nullptr;
};

Substitution::Substitution(const std::string& pattern, std::string replacement, std::string where)
    : compiled_(std::make_shared<const Compiled>(pattern, where)),
      pattern_(pattern),
      replacement_(std::move(replacement)),
      where_(std::move(where)) {}

std::string Substitution::all(std::string_view text) const {
  std::string result(2 * text.size() + 64, '\0');
  for (;;) {
    PCRE2_SIZE length = result.size();
    const int count = pcre2_substitute(
        compiled_->code, code_units(text), text.size(), 0,
        PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_EXTENDED | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH, nullptr,
        compiled_->context, code_units(replacement_), replacement_.size(),
        static_cast<PCRE2_UCHAR*>(static_cast<void*>(result.data())), &length);
    if (count == PCRE2_ERROR_NOMEMORY && length > result.size()) {
      result.resize(length);
      continue;
    }
    if (count < 0)
      throw InputError({.where = where_,
                        .what = "cannot match: " + reason_of(count),
                        .found = pattern_,
                        .next = "write a simpler regular expression"});
    result.resize(length);
    return result;
  }
}

std::vector<std::string> Substitution::found_in(std::string_view text) const {
  struct FreeMatch {
    void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
  };
  const std::unique_ptr<pcre2_match_data, FreeMatch> match(
      pcre2_match_data_create_from_pattern(compiled_->code, nullptr));
  if (!match) throw std::bad_alloc();
  std::vector<std::string> found;
  for (PCRE2_SIZE at = 0; at <= text.size();) {
    const int groups =
        pcre2_match(compiled_->code, code_units(text), text.size(), at, 0, match.get(), compiled_->context);
    if (groups == PCRE2_ERROR_NOMATCH) break;
    if (groups < 0)
      throw InputError({.where = where_,
                        .what = "cannot match: " + reason_of(groups),
                        .found = pattern_,
                        .next = "write a simpler regular expression"});
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(match.get());
    std::size_t group = groups > 1 ? 1 : 0;
    while (group + 1 < static_cast<std::size_t>(groups) && ends[2 * group] == PCRE2_UNSET)
      ++group;
    found.emplace_back(text.substr(ends[2 * group], ends[2 * group + 1] - ends[2 * group]));
    at = ends[1];
    if (ends[1] > ends[0]) continue;
    do {  // after an empty match, go on to the next character
      ++at;
    } while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U);
  }
  return found;
}

}  // namespace toptheta
