// WikiText's articles, in the form in which lm-evaluation-harness evaluates them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

// The text with its tokens joined: " @-@ " becomes "-", " , " becomes ", ", white space just inside brackets
// and quotation marks is removed, and so on. Requires valid UTF-8.
std::string detokenized_wikitext(std::string_view text);

// The articles of a file, each of which begins with a line " = Title = ". Text before the first title is an
// article, too, unless it is blank.
std::vector<std::string> wikitext_articles(std::string_view text);

}  // namespace toptheta
