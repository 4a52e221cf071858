#include "tokenizer/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <array>
#include <optional>

#include "core/error.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

constexpr std::uint32_t kMatchLimit =
    10'000'000;  // steps per match; a run of a million spaces needs far fewer
constexpr std::uint32_t kHeapLimit = 256 * 1024;  // KiB

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Code = std::unique_ptr<pcre2_code, Freed<pcre2_code_free>>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Freed<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Freed<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Freed<pcre2_match_data_free>>;

// The text as the unsigned characters that PCRE2 takes.
PCRE2_SPTR units(std::string_view text) {
  static constexpr unsigned char kNothing = 0;
  return text.empty() ? &kNothing : static_cast<PCRE2_SPTR>(static_cast<const void*>(text.data()));
}

std::string message(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return static_cast<const char*>(static_cast<const void*>(text.data()));
}

}  // namespace

struct Regex::Compiled {
  Code code;
  MatchContext limits;
  std::string where;
};

Regex::Regex(const std::string& pattern, std::string where) {
  const CompileContext context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(
      pcre2_compile(units(pattern), pattern.size(), PCRE2_UTF | PCRE2_UCP, &error, &offset, context.get()));
  if (!code) {
    throw InputError({.where = where,
                      .what = "the regular expression is not valid",
                      .found = fmt::format("{}, near byte {} of {}", message(error), offset, pattern)});
  }
  pcre2_jit_compile(code.get(),
                    PCRE2_JIT_COMPLETE);  // if this fails, the interpreter is used, which is slower
  MatchContext limits(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(limits.get(), kMatchLimit);
  pcre2_set_heap_limit(limits.get(), kHeapLimit);
  compiled_ = std::make_shared<Compiled>(Compiled{std::move(code), std::move(limits), std::move(where)});
}

// Finds the matches in one text, one after the other.
class Regex::Search {
 public:
  Search(const Compiled& regex, std::string_view text)
      : regex_(regex), text_(text), data_(pcre2_match_data_create(1, nullptr)) {}

  // The first match that starts at `from` or later.
  std::optional<Span> next(std::size_t from) {
    int result = match(from, PCRE2_NO_UTF_CHECK);
    // The compiled code has only a small stack, whereas the interpreter uses the heap.
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = match(from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT);
    if (result == PCRE2_ERROR_NOMATCH) return std::nullopt;
    if (result < 0) {
      throw InputError({.where = regex_.where,
                        .what = "the regular expression gave up on a text",
                        .found = fmt::format("{}, at byte {} of {}", message(result), from, text_.size()),
                        .next = "an expression that backtracks this much cannot split texts; simplify it"});
    }
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_.get());
    return Span{ends[0], ends[1], true};
  }

 private:
  int match(std::size_t from, std::uint32_t options) {
    return pcre2_match(regex_.code.get(), units(text_), text_.size(), from, options, data_.get(),
                       regex_.limits.get());
  }

  const Compiled& regex_;
  std::string_view text_;
  MatchData data_;
};

std::vector<Span> Regex::find_matches(std::string_view text) const {
  Search search(*compiled_, text);
  std::vector<Span> spans;
  std::size_t covered = 0;
  std::optional<std::size_t> last_match;
  for (std::size_t from = 0; from <= text.size();) {
    const auto match = search.next(from);
    if (!match) break;
    if (match->begin == match->end && last_match == match->end) {
      from = match->end < text.size() ? match->end + utf8_length(text[match->end]) : text.size() + 1;
      continue;
    }
    if (match->begin > covered) spans.push_back({covered, match->begin, false});
    spans.push_back(*match);
    covered = match->end;
    last_match = match->end;
    from = match->end;
  }
  if (covered < text.size()) spans.push_back({covered, text.size(), false});
  return spans;
}

bool Regex::found_in(std::string_view text) const {
  return Search(*compiled_, text).next(0).has_value();
}

}  // namespace toptheta
