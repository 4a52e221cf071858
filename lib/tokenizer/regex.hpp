// Regular expressions on UTF-8 text, with limits so that they fail instead of running forever.
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

  // The text as a sequence of matches and the spans between them, without gaps. An empty match directly after
  // another match does not count. Requires valid UTF-8. Safe to call from several threads. Throws InputError
  // if a match needs more steps or memory than any sensible split expression does.
  [[nodiscard]] std::vector<Span> find_matches(std::string_view text) const;

  // Whether there is a match anywhere in the text. The requirements and errors are the same.
  [[nodiscard]] bool found_in(std::string_view text) const;

 private:
  struct Compiled;
  class Search;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace toptheta
