#include "tokenizer/regex.hpp"

#include "core/error.hpp"
#include "support/catch.hpp"
#include "tokenizer/regex_syntax.hpp"

using namespace toptheta;

namespace {

std::string cut(const std::string& pattern, const std::string& text) {
  std::string result;
  for (const Span& span : Regex(pcre2_from_oniguruma(pattern), "here").find_matches(text)) {
    result += (span.is_match ? "[" : "(") + text.substr(span.begin, span.end - span.begin) +
              (span.is_match ? "]" : ")");
  }
  return result;
}

}  // namespace

TEST_CASE("matches and what lies between cover the text", "[regex]") {
  CHECK(cut("b+", "abbcb") == "(a)[bb](c)[b]");
  CHECK(cut("x", "").empty());
  CHECK(cut("x", "abc") == "(abc)");
  CHECK(cut("a*", "baac") == "[](b)[aa](c)[]");
  CHECK(cut(R"(\s+(?!\S)|\s+)", "a   b ") == "(a)[  ][ ](b)[ ]");
  CHECK(cut(R"(\p{N}{1,3})", "12345é६७") == "[123][45](é)[६७]");
}

TEST_CASE("classes mean what they mean in Oniguruma", "[regex]") {
  CHECK(cut(R"(\s)", "\u180E\u0085\u3000") == "(\u180E)[\u0085][\u3000]");
  CHECK(cut(R"(\w)", "²_é\u203Fⅷ-৴") == "[²][_][é][\u203F][ⅷ](-৴)");
  CHECK(cut(R"([\w])", "²a") == "(²)[a]");
  CHECK(cut(R"(\d)", "1²६") == "[1](²)[६]");
  CHECK(cut(R"(\p{Han}+)", "a漢字") == "(a)[漢字]");
  CHECK(cut(R"(\u4e00|\x{4e01}|\x41)", "一丁A") == "[一][丁][A]");
  CHECK(cut("(?i:'ll|'s)", "'LL'S'ſ") == "['LL]['S]['ſ]");
  CHECK(cut(".", "a\r\n") == "[a][\r](\n)");
  CHECK(cut("^a|b$", "aab\nab") == "[a](a)[b](\n)[a][b]");
  CHECK(cut("[^a[bc]d]+", "xabycdz") == "[x](ab)[y](cd)[z]");
}

TEST_CASE("what the two libraries read differently is refused", "[regex]") {
  for (const char* pattern :
       {"[a[^b]]",     "[a[b]",    R"(\bx)",  R"(\h)",      R"(\v)",   R"(\A)",      R"(\1)",
        "[[:alpha:]]", "[a&&b]",   "[]a]",    "(?i)a",      "(?m:a)",  "(?<name>a)", "(*F)",
        "a{,2}",       "a{2}+",    "a{2}?",   "a**",        "*a",      "(?=a)*",     "(a",
        "a)",          "[a",       "a\\",     R"(\p{Foo})", R"(\pL)",  R"(\xE9)",    "(?i:é)",
        "(?i:ss)",     "(?i:[é])", R"(\x{})", R"(\u12)",    R"([\W])", "{"}) {
    INFO(pattern);
    CHECK_THROWS_AS(pcre2_from_oniguruma(pattern), RegexSyntaxError);
  }
}

TEST_CASE("an expression that backtracks for ever is stopped", "[regex]") {
  const Regex hostile(pcre2_from_oniguruma("(?:a|aa)+[bc]"), "tokenizer.json: pattern");
  try {
    (void)hostile.find_matches(std::string(5000, 'a') + "!");
    FAIL("no error");
  } catch (const InputError& error) {
    CHECK(error.problem().where == "tokenizer.json: pattern");
  }
}

TEST_CASE("deep repetition of a group is searched without the small stack", "[regex]") {
  const std::string text(100'000, 'a');
  CHECK(Regex("(?:a|b)+", "here").find_matches(text) == std::vector<Span>{{0, text.size(), true}});
}

TEST_CASE("an expression that does not compile is the file's fault", "[regex]") {
  CHECK_THROWS_AS(Regex("(?<=a+)b", "here"), InputError);
}
