#include "tokenizer/regex_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace toptheta {
namespace {

// \w inside a character class. Outside, \w also matches the numbers of Latin-1 that are not digits.
constexpr std::string_view kWordSet = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
constexpr std::string_view kLatinNumbers = R"(\xB2\xB3\xB9\xBC-\xBE)";
constexpr std::string_view kScripts[] = {"Arabic", "Bengali", "Cyrillic", "Devanagari", "Greek",
                                         "Han",    "Hangul",  "Hebrew",   "Hiragana",   "Katakana",
                                         "Latin",  "Tamil",   "Thai"};
constexpr std::string_view kCategories[] = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc",
                                            "Me", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Ps",
                                            "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk", "So",
                                            "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Co"};
// ASCII pairs that Oniguruma's case folding also matches with a ligature, while PCRE2's does not.
constexpr std::string_view kFoldingPairs[] = {"ff", "fi", "fl", "ss", "st"};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr int kDeepest = 8;  // how deeply character classes may be nested

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  std::string run() {
    while (at_ < pattern_.size())
      item();
    if (!groups_.empty()) fail("a group is not closed");
    return std::move(out_);
  }

 private:
  struct Group {
    bool caseless;
    bool look_around;
  };

  [[noreturn]] void fail(std::string_view what) const {
    throw RegexSyntaxError(fmt::format("{} at byte {}", what, at_));
  }
  [[nodiscard]] bool ahead(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  [[nodiscard]] bool caseless() const { return !groups_.empty() && groups_.back().caseless; }
  void copy(std::size_t bytes) {
    out_.append(pattern_.substr(at_, bytes));
    at_ += bytes;
  }

  void item() {
    const char c = pattern_[at_];
    if (c == '(') return open_group();
    if (c == ')') return close_group();
    if (c == '*' || c == '+' || c == '?' || c == '{') return quantifier();
    previous_letter_ = is_letter(c) ? previous_letter_ : '\0';
    if (c == '|') {
      quantifiable_ = false;
      return copy(1);
    }
    // In Oniguruma both match at line boundaries as well as at the ends of the text.
    if (c == '^' || c == '$') {
      quantifiable_ = false;
      return emit(c == '^' ? "(?m:^)" : "(?m:$)", 1);
    }
    if (c == '[') {
      character_class();
    } else if (c == '\\') {
      escape(false);
    } else {
      literal(c);
    }
    quantifiable_ = true;
  }

  void literal(char c) {
    if (caseless()) {
      if (static_cast<unsigned char>(c) >= 0x80) fail("a character beyond ASCII under (?i:");
      const std::array<char, 2> pair = {to_lower(previous_letter_), to_lower(c)};
      if (std::ranges::find(kFoldingPairs, std::string_view(pair.data(), 2)) != std::end(kFoldingPairs)) {
        fail("letters that fold to a ligature under (?i:");
      }
    }
    previous_letter_ = is_letter(c) ? c : '\0';
    copy(1);
  }

  void open_group() {
    struct Opening {
      std::string_view from;
      bool caseless;
      bool look_around;
    };
    static constexpr Opening kOpenings[] = {
        {"(?:", false, false}, {"(?i:", true, false}, {"(?>", false, false}, {"(?=", false, true},
        {"(?!", false, true},  {"(?<=", false, true}, {"(?<!", false, true}};
    quantifiable_ = false;
    previous_letter_ = '\0';
    for (const Opening& opening : kOpenings) {
      if (!ahead(opening.from)) continue;
      groups_.push_back({caseless() || opening.caseless, opening.look_around});
      return copy(opening.from.size());
    }
    if (ahead("(?") || ahead("(*")) fail("a group of this kind");
    groups_.push_back({caseless(), false});
    out_.append("(?:");  // captures are not needed, since back-references are refused
    ++at_;
  }

  void close_group() {
    if (groups_.empty()) fail("a ) without its (");
    quantifiable_ = !groups_.back().look_around;
    previous_letter_ = '\0';
    groups_.pop_back();
    copy(1);
  }

  void quantifier() {
    if (!quantifiable_) fail("a quantifier that follows nothing it could repeat");
    quantifiable_ = false;
    previous_letter_ = '\0';
    bool counted = false;
    bool range = false;
    if (pattern_[at_] == '{') {
      counted = true;
      std::size_t end = at_ + 1;
      while (end < pattern_.size() && is_digit(pattern_[end]))
        ++end;
      if (end == at_ + 1) fail("a { that is not a count");
      if (end < pattern_.size() && pattern_[end] == ',') {
        range = true;
        ++end;
        while (end < pattern_.size() && is_digit(pattern_[end]))
          ++end;
      }
      if (end >= pattern_.size() || pattern_[end] != '}') fail("a { that is not a count");
      copy(end + 1 - at_);
    } else {
      copy(1);
    }
    if (ahead("?") && (range || !counted)) return copy(1);
    if (ahead("+") && !counted) return copy(1);
    if (ahead("?") || ahead("+") || ahead("*") || ahead("{")) fail("a quantifier of a quantifier");
  }

  void character_class() {
    copy(1);
    if (ahead("^")) copy(1);
    class_items();
    copy(1);
  }

  // Translates up to the bracket that closes the class. A nested class adds its characters to the outer one.
  void class_items() {
    if (ahead("]")) fail("an empty character class");
    while (at_ < pattern_.size() && pattern_[at_] != ']') {
      if (ahead("[:") || ahead("[^")) fail("a named or negated class inside a character class");
      if (ahead("&&")) fail("an intersection of character classes");
      if (caseless() && static_cast<unsigned char>(pattern_[at_]) >= 0x80)
        fail("a character beyond ASCII under (?i:");
      if (pattern_[at_] == '[') {
        if (++class_depth_ > kDeepest) fail("classes nested too deeply");
        ++at_;
        class_items();
        ++at_;
        --class_depth_;
      } else if (pattern_[at_] == '\\') {
        escape(true);
      } else {
        copy(1);
      }
    }
    if (at_ >= pattern_.size()) fail("a character class is not closed");
  }

  void emit(std::string_view text, std::size_t bytes) {
    out_.append(text);
    at_ += bytes;
  }

  void escape(bool in_class) {
    if (at_ + 1 >= pattern_.size()) fail("a \\ at the end");
    const char c = pattern_[at_ + 1];
    switch (c) {
      case 's':
        return emit(R"(\p{White_Space})", 2);
      case 'S':
        return emit(R"(\P{White_Space})", 2);
      case 'd':
        return emit(R"(\p{Nd})", 2);
      case 'D':
        return emit(R"(\P{Nd})", 2);
      case 'w':
        return emit(in_class ? std::string(kWordSet) : fmt::format("[{}{}]", kWordSet, kLatinNumbers), 2);
      case 'W':
        if (in_class) fail("\\W inside a character class");
        return emit(fmt::format("[^{}{}]", kWordSet, kLatinNumbers), 2);
      case 'r':
      case 'n':
      case 't':
      case 'f':
        return copy(2);
      case 'p':
      case 'P':
        return property();
      case 'x':
      case 'u':
        return code_point();
      default:
        if (is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80)
          fail("an escape of this kind");
        return copy(2);
    }
  }

  void property() {
    if (caseless()) fail("a property under (?i:");
    const std::size_t close = pattern_.find('}', at_);
    if (at_ + 2 >= pattern_.size() || pattern_[at_ + 2] != '{' || close == std::string_view::npos)
      fail("a property");
    const std::string_view name = pattern_.substr(at_ + 3, close - at_ - 3);
    const char letter = pattern_[at_ + 1];
    if (std::ranges::find(kCategories, name) != std::end(kCategories)) {
      emit(fmt::format("\\{}{{{}}}", letter, name), close + 1 - at_);
    } else if (std::ranges::find(kScripts, name) != std::end(kScripts)) {
      emit(fmt::format("\\{}{{sc:{}}}", letter, name), close + 1 - at_);
    } else {
      fail(fmt::format("the property {}", name));
    }
  }

  // \xHH, \x{H...} and \uHHHH.
  void code_point() {
    const bool braces = ahead("\\x{");
    const std::size_t start = at_ + (braces ? 3 : 2);
    std::size_t end = start;
    while (end < pattern_.size() && is_hex(pattern_[end]) && end - start < 8)
      ++end;
    const std::size_t digits = braces ? end - start : pattern_[at_ + 1] == 'x' ? 2 : 4;
    if (digits < 1 || end - start < digits || (braces && (end >= pattern_.size() || pattern_[end] != '}'))) {
      fail("a code point");
    }
    const std::string value(pattern_.substr(start, digits));
    const auto code = static_cast<std::uint32_t>(std::stoul(value, nullptr, 16));
    // \x80 to \xFF are single bytes in Oniguruma, not characters.
    if (pattern_[at_ + 1] == 'x' && !braces && code >= 0x80) fail("a byte beyond ASCII");
    if (caseless() && code >= 0x80) fail("a character beyond ASCII under (?i:");
    emit(fmt::format("\\x{{{:X}}}", code), start + digits + (braces ? 1 : 0) - at_);
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::string out_;
  std::vector<Group> groups_;
  bool quantifiable_ = false;
  int class_depth_ = 0;
  char previous_letter_ = '\0';  // the preceding letter, if it could fold into a ligature with the next
};

}  // namespace

std::string pcre2_from_oniguruma(std::string_view pattern) {
  return Translator(pattern).run();
}

}  // namespace toptheta
