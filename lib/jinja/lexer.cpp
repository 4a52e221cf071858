#include "jinja/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "jinja/value.hpp"

namespace toptheta::jinja {
namespace {

using TKind = Token::Kind;

constexpr std::size_t kLongestTag = 2000;  // symbols in a tag, since its syntax tree may be as deep

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name(char c) {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The source with '\n' for all line breaks, without one at its end.
std::string normalized_lines(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    const bool pair = source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n';
    if (!pair) text.push_back(source[i] == '\r' ? '\n' : source[i]);
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalized_lines(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size())
      outside();
    add(TKind::end, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw TemplateError(line_, what); }
  [[nodiscard]] bool ahead(std::string_view text) const {
    return std::string_view(source_).substr(at_).starts_with(text);
  }
  void add(TKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }
  void advance(std::size_t bytes) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(at_ + bytes), '\n'));
    at_ += bytes;
  }

  // Where the next "{{", "{%" or "{#" begins; the end of the template where there is none.
  [[nodiscard]] std::size_t next_tag() const {
    for (std::size_t open = source_.find('{', at_); open < source_.size();
         open = source_.find('{', open + 1)) {
      if (open + 1 < source_.size() &&
          std::string_view("{%#").find(source_[open + 1]) != std::string_view::npos)
        return open;
    }
    return source_.size();
  }

  // Reads the text up to the next tag, and that tag.
  void outside() {
    const std::size_t open = next_tag();
    std::string text = source_.substr(at_, open - at_);
    const bool at_tag = open < source_.size();
    const char mark = at_tag && open + 2 < source_.size() ? source_[open + 2] : ' ';
    if (mark == '-') {
      while (!text.empty() && is_space(text.back()))
        text.pop_back();
    } else if (at_tag && source_[open + 1] != '{' && mark != '+') {
      strip_indentation(text);
    }
    if (!text.empty()) add(TKind::text, text);
    advance(open - at_);
    if (at_tag) tag();
  }

  // lstrip_blocks: removes white space between the start of the line and a tag, if there is nothing else.
  void strip_indentation(std::string& text) const {
    std::size_t end = text.size();
    while (end > 0 && is_space(text[end - 1]) && text[end - 1] != '\n')
      --end;
    const bool line_starts = end > 0 ? text[end - 1] == '\n' : at_ == 0 || source_[at_ - 1] == '\n';
    if (line_starts) text.resize(end);
  }

  void tag() {
    const char kind = source_[at_ + 1];
    if (kind == '#') return comment();
    const bool marked = at_ + 2 < source_.size() && (source_[at_ + 2] == '-' || source_[at_ + 2] == '+');
    if (kind == '%' && is_raw(at_ + (marked ? 3 : 2))) return raw(at_ + (marked ? 3 : 2));
    add(kind == '{' ? TKind::begin_expression : TKind::begin_statement, "");
    advance(marked && source_[at_ + 2] == '-' ? 3 : kind == '%' && marked ? 3 : 2);
    inside(kind == '{' ? "}}" : "%}", kind == '%');
  }

  void comment() {
    const std::size_t close = source_.find("#}", at_ + 2);
    if (close == std::string::npos) fail("a comment is not closed");
    const char mark = source_[close - 1];
    advance(close + 2 - at_);
    after_tag(close > 2 ? mark : ' ', true);
  }

  // Skips white space after a tag: all of it after '-', else a line break after a statement or comment.
  void after_tag(char mark, bool trims) {
    std::size_t end = at_;
    if (mark == '-') {
      while (end < source_.size() && is_space(source_[end]))
        ++end;
    } else if (trims && mark != '+' && ahead("\n")) {
      ++end;
    }
    advance(end - at_);
  }

  [[nodiscard]] bool is_raw(std::size_t at) const {
    while (at < source_.size() && is_space(source_[at]))
      ++at;
    const bool named = std::string_view(source_).substr(at).starts_with("raw");
    return named && at + 3 < source_.size() && !is_name(source_[at + 3]);
  }

  void raw(std::size_t at) {
    const std::size_t begin = source_.find("%}", at);
    std::size_t end = begin == std::string::npos ? begin : source_.find("endraw", begin);
    if (end == std::string::npos) fail("a raw block is not closed");
    const std::size_t close = source_.find("%}", end);
    const std::size_t open = source_.rfind("{%", end);
    if (close == std::string::npos || open == std::string::npos || open < begin)
      fail("a raw block is not closed");
    const char begin_mark = source_[begin - 1];
    const char end_mark = source_[open + 2];
    advance(begin + 2 - at_);
    after_tag(begin_mark, true);
    std::string text = source_.substr(std::min(at_, open), open - std::min(at_, open));
    if (end_mark == '-') {
      while (!text.empty() && is_space(text.back()))
        text.pop_back();
    } else if (end_mark != '+') {
      strip_indentation(text);
    }
    if (!text.empty()) add(TKind::text, text);
    const char close_mark = source_[close - 1];
    advance(close + 2 - at_);
    after_tag(close_mark, true);
  }

  void inside(std::string_view close, bool statement) {
    int depth = 0;
    const std::size_t first = tokens_.size();
    while (true) {
      if (tokens_.size() - first > kLongestTag) fail("the tag is too long");
      while (at_ < source_.size() && is_space(source_[at_]))
        advance(1);
      if (at_ >= source_.size()) fail("a tag is not closed");
      const bool marked =
          (ahead("-") || ahead("+")) && std::string_view(source_).substr(at_ + 1).starts_with(close);
      if (depth == 0 && (marked || ahead(close))) {
        const char mark = marked ? source_[at_] : ' ';
        add(statement ? TKind::end_statement : TKind::end_expression, "");
        advance(close.size() + (marked ? 1 : 0));
        return after_tag(mark, statement);
      }
      const std::size_t before = tokens_.size();
      symbol();
      if (tokens_[before].kind != TKind::symbol) continue;
      const char c = tokens_[before].text[0];
      if (c == '(' || c == '[' || c == '{') ++depth;
      if (c == ')' || c == ']' || c == '}') --depth;
    }
  }

  void symbol() {
    const char c = source_[at_];
    if (c == '"' || c == '\'') return string(c);
    if (is_digit(c)) return number();
    if (is_name(c)) {
      std::size_t end = at_;
      while (end < source_.size() && is_name(source_[end]))
        ++end;
      add(TKind::name, source_.substr(at_, end - at_));
      return advance(end - at_);
    }
    static constexpr std::string_view kSymbols[] = {"==", "!=", "<=", ">=", "//", "**", "=", "<", ">",
                                                    "+",  "-",  "*",  "/",  "%",  "~",  "|", ".", ",",
                                                    ":",  "(",  ")",  "[",  "]",  "{",  "}"};
    const auto* found =
        std::ranges::find_if(kSymbols, [&](std::string_view symbol) { return ahead(symbol); });
    if (found == std::end(kSymbols)) fail(fmt::format("an unexpected character, '{}'", c));
    add(TKind::symbol, std::string(*found));
    advance(found->size());
  }

  void number() {
    std::size_t end = at_;
    const auto digits = [&] {
      while (end < source_.size() && (is_digit(source_[end]) || source_[end] == '_'))
        ++end;
    };
    digits();
    bool real = false;
    if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
      real = true;
      ++end;
      digits();
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      real = true;
      end += end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-') ? 2 : 1;
      digits();
    }
    std::string text = source_.substr(at_, end - at_);
    std::erase(text, '_');
    if (text.size() > 18 && !real) fail("the number is too large");
    add(real ? TKind::real : TKind::integer, text);
    advance(end - at_);
  }

  void string(char quote) {
    std::string value;
    std::size_t at = at_ + 1;
    for (; at < source_.size() && source_[at] != quote; ++at) {
      if (source_[at] != '\\') {
        value.push_back(source_[at]);
        continue;
      }
      if (++at >= source_.size()) break;
      const char c = source_[at];
      static constexpr std::string_view kFrom = "ntrfvab0\\'\"\n";
      static constexpr char kTo[] = {'\n', '\t', '\r', '\f', '\v', '\a', '\b', '\0', '\\', '\'', '"', '\0'};
      const std::size_t known = kFrom.find(c);
      if (c == 'u' || c == 'x' || c == 'U' || c == 'N') {
        value += code_point(at);
      } else if (c == '\n') {
        continue;
      } else if (known != std::string_view::npos) {
        value.push_back(kTo[known]);
      } else {
        value.append({'\\', c});
      }
    }
    if (at >= source_.size()) fail("a string is not closed");
    add(TKind::string, value);
    advance(at + 1 - at_);
  }

  // Reads \xHH, \uHHHH or \UHHHHHHHH, and leaves `at` on the last digit.
  [[nodiscard]] std::string code_point(std::size_t& at) const {
    const std::size_t digits = source_[at] == 'x' ? 2 : source_[at] == 'u' ? 4 : source_[at] == 'U' ? 8 : 0;
    const std::string text = source_.substr(std::min(at + 1, source_.size()), digits);
    const bool hex = digits > 0 && text.size() == digits &&
                     text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    const unsigned long code = hex ? std::stoul(text, nullptr, 16) : 0xFFFFFFFFUL;
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
      fail("an escape in a string is not a character");
    at += digits;
    const auto byte = [](unsigned long value) { return static_cast<char>(value); };
    if (code < 0x80) return {byte(code)};
    if (code < 0x800) return {byte(0xC0 | code >> 6U), byte(0x80 | (code & 0x3F))};
    if (code < 0x10000)
      return {byte(0xE0 | code >> 12U), byte(0x80 | (code >> 6U & 0x3F)), byte(0x80 | (code & 0x3F))};
    return {byte(0xF0 | code >> 18U), byte(0x80 | (code >> 12U & 0x3F)), byte(0x80 | (code >> 6U & 0x3F)),
            byte(0x80 | (code & 0x3F))};
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view source) {
  return Lexer(source).run();
}

}  // namespace toptheta::jinja
