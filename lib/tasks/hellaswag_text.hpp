// Texts as lm-evaluation-harness tidies them before a model reads them: HellaSwag's, and first letters.
#pragma once
#include <string>
#include <string_view>

namespace toptheta {

// First letter upper case, all others lower case.
std::string capitalized(std::string_view text);
// First letter lower case, the rest as it is.
std::string decapitalized(std::string_view text);

// Without white space at the ends and without the marks that WikiHow's articles left: " [title]" becomes ".
// ", other brackets go with what is in them, two spaces become one.
std::string without_wikihow_marks(std::string_view text);

}  // namespace toptheta
