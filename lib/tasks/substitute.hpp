// Replaces and finds text by regular expressions, with the results of Python's re.sub and re.search as far as
// task files need them.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

// A regular expression with a replacement for its matches. Matching has a limit, so that it fails instead of
// running forever.
class Substitution {
 public:
  // `pattern` is in PCRE2's syntax, with UTF and UCP; `replacement` may refer to groups as $1, and change
  // case with \u, \l and \L. `where` names it in errors. Throws InputError if the pattern does not compile.
  explicit Substitution(const std::string& pattern, std::string replacement = "", std::string where = "");

  // `text` with every match replaced. Requires valid UTF-8. Throws InputError if a match needs more steps
  // than any sensible expression does.
  [[nodiscard]] std::string all(std::string_view text) const;

  // All matches in order. Each is represented by its first group that took part, or by the whole match if the
  // expression has no groups.
  [[nodiscard]] std::vector<std::string> found_in(std::string_view text) const;

  [[nodiscard]] const std::string& pattern() const { return pattern_; }

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
  std::string pattern_;
  std::string replacement_;
  std::string where_;
};

}  // namespace toptheta
