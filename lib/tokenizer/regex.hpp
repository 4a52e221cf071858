// Regular expressions on UTF-8 text that stop instead of hanging.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

// A part of a text, in bytes.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool is_match = false;
  bool operator==(const Span&) const = default;
};

class Regex {
 public:
  // `pattern` is in PCRE2's syntax, with UTF and UCP. `where` names it in errors. Throws InputError if it
  // does not compile.
  Regex(const std::string& pattern, std::string where);

  // The text cut into matches and what lies between them, in order, nothing left out; an empty match directly
  // after another match does not count. Requires valid UTF-8. Safe to call from several threads. Throws
  // InputError if a match needs more steps or memory than any sensible split expression does.
  [[nodiscard]] std::vector<Span> find_matches(std::string_view text) const;

  // Whether there is a match anywhere. Same requirements.
  [[nodiscard]] bool found_in(std::string_view text) const;

 private:
  struct Compiled;
  class Search;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace toptheta
