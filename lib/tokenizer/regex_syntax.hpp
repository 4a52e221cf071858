// The regular expressions inside tokenizer.json are Oniguruma's; this program has PCRE2.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace toptheta {

// What cannot be carried over, and where in the expression.
class RegexSyntaxError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Rewrites an Oniguruma expression as a PCRE2 expression (options UTF, UCP, newline LF) that matches exactly
// the same texts: white space, word characters and scripts mean what they mean there, capture groups become
// plain groups. Takes the constructs that split patterns are made of: literals, alternatives, groups,
// look-around, anchors (^ and $ at lines), character classes, properties, greedy, lazy and possessive
// quantifiers, (?i:...) over ASCII. Throws RegexSyntaxError on everything else, since the two libraries
// differ in much of it (\b, \h, negated classes inside classes, back-references, inline options).
std::string pcre2_from_oniguruma(std::string_view pattern);

}  // namespace toptheta
