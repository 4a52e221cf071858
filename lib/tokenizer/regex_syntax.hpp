// Translates regular expressions from Oniguruma's syntax, used in tokenizer.json, to that of PCRE2.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace toptheta {

// Says what cannot be translated, and at which byte of the expression.
class RegexSyntaxError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Rewrites an Oniguruma expression as a PCRE2 expression (options UTF, UCP, newline LF) that matches exactly
// the same texts. White space, word characters and scripts keep Oniguruma's meaning; capture groups become
// plain groups. It accepts the constructs that split patterns consist of: literals, alternatives, groups,
// look-around, anchors (^ and $ at line boundaries), character classes, properties, greedy, lazy and
// possessive quantifiers, and (?i:...) over ASCII. It throws RegexSyntaxError for everything else, in much of
// which the two libraries differ (\b, \h, negated classes inside classes, back-references, inline options).
std::string pcre2_from_oniguruma(std::string_view pattern);

}  // namespace toptheta
