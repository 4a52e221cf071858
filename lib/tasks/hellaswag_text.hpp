// Text clean-up by the rules of lm-evaluation-harness: that of HellaSwag, and the case of first letters.
#pragma once
#include <string>
#include <string_view>

namespace toptheta {

// The text with its first character in upper case and all others in lower case.
std::string capitalized(std::string_view text);
// The text with its first character in lower case.
std::string decapitalized(std::string_view text);

// The text without white space at its ends and without the marks that WikiHow's articles left in it: "
// [title]" becomes
// ". ", other brackets are removed together with their contents, and two spaces become one.
std::string without_wikihow_marks(std::string_view text);

}  // namespace toptheta
