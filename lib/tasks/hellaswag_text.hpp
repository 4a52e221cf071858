// HellaSwag's texts need tidying before a model reads them.
#pragma once
#include <string>
#include <string_view>

namespace toptheta {

// First letter upper case, all others lower case.
std::string capitalized(std::string_view text);

// Without white space at the ends and without the marks that WikiHow's articles left: " [title]" becomes ".
// ", other brackets go with what is in them, two spaces become one.
std::string without_wikihow_marks(std::string_view text);

}  // namespace toptheta
