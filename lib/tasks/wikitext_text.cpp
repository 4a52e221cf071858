#include "tasks/wikitext_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "tasks/substitute.hpp"
#include "tokenizer/normalizer.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

using Replacement = std::pair<std::string_view, std::string_view>;

constexpr Replacement kBefore[] = {
    {"s '", "s'"}, {" @-@ ", "-"}, {" @,@ ", ","}, {" @.@ ", "."}, {" : ", ": "},
    {" ; ", "; "}, {" . ", ". "},  {" ! ", "! "},  {" ? ", "? "},  {" , ", ", "},
};
constexpr Replacement kAfter[] = {
    {"= = = =", "===="}, {"= = =", "==="}, {"= =", "=="},  {" \u00B0 ", "\u00B0"},
    {" \n", "\n"},       {"\n ", "\n"},    {" N ", " 1 "}, {" 's", "'s"},
};

bool is_title(std::string_view line) {
  const std::string joined = replace_all(replace_all(line, "= = =", "==="), "= =", "==");
  const std::string_view bare = strip_white_space(joined);
  return bare.starts_with("= ") && bare.ends_with(" =");
}

}  // namespace

std::string detokenized_wikitext(std::string_view text) {
  static const std::array<Substitution, 6> kPairs = {
      Substitution{"/' [0-9]/", "/'[0-9]/"},          Substitution{R"(\(\s*([^\)]*?)\s*\))", "($1)"},
      Substitution{R"(\[\s*([^\]]*?)\s*\])", "[$1]"}, Substitution{R"({\s*([^}]*?)\s*})", "{$1}"},
      Substitution{R"("\s*([^"]*?)\s*")", "\"$1\""},  Substitution{R"('\s*([^']*?)\s*')", "'$1'"},
  };
  std::string result(text);
  for (const auto& [from, to] : kBefore)
    result = replace_all(result, from, to);
  for (const Substitution& pair : kPairs)
    result = pair.all(result);
  for (const auto& [from, to] : kAfter)
    result = replace_all(result, from, to);
  return result;
}

std::vector<std::string> wikitext_articles(std::string_view text) {
  std::vector<std::string> articles;
  std::string article;
  bool first_line = true;
  const auto end_article = [&] {
    if (!strip_white_space(article).empty()) articles.push_back(std::move(article));
    article.clear();
    first_line = true;
  };
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (is_title(line)) end_article();
    if (!first_line) article += '\n';
    first_line = false;
    article += line;
  }
  end_article();
  return articles;
}

}  // namespace toptheta
