// WikiText's articles, as lm-evaluation-harness reads them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

// Tokens joined again: " @-@ " becomes "-", " , " becomes ", ", brackets and quotation marks lose the white
// space inside them, and so on. Requires valid UTF-8.
std::string detokenized_wikitext(std::string_view text);

// The file's articles: each begins with a line " = Title = ". What comes before the first title is one too if
// it is not blank.
std::vector<std::string> wikitext_articles(std::string_view text);

}  // namespace toptheta
