#include "tokenizer/pre_tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tokenizer/byte_alphabet.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

// GPT-2's split expression, which ByteLevel applies unless use_regex is false.
constexpr const char* kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// The word characters of Rust's regular expressions, without the brackets of a class.
constexpr std::string_view kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control})";
constexpr const char* kWhiteSpace = R"(\p{White_Space})";
constexpr const char* kPunctuation = R"([!-/:-@\[-`{-~\p{P}])";

Pattern pattern_of(const std::string& pcre2, const JsonValue& field) {
  return Pattern(Regex(pcre2, field.where()));
}

// Joins a span to the one before it if joins(is_match of the span, is_match of the one before) holds.
template <typename Joins>
std::vector<Span> join(const std::vector<Span>& spans, const Joins& joins) {
  std::vector<Span> joined;
  bool previous_match = false;
  for (const Span& span : spans) {
    if (!joined.empty() && joins(span.is_match, previous_match)) {
      joined.back().begin = std::min(joined.back().begin, span.begin);
      joined.back().end = std::max(joined.back().end, span.end);
    } else {
      joined.push_back(span);
    }
    previous_match = span.is_match;
  }
  return joined;
}

}  // namespace

std::vector<Span> PreTokenizer::parts(const Split& split, std::string_view text) {
  std::vector<Span> spans = split.pattern.find_matches(text);
  if (split.invert) {
    for (Span& span : spans)
      span.is_match = !span.is_match;
  }
  const auto first_match = [](bool is_match, bool previous) { return is_match && !previous; };
  switch (split.behavior) {
    case Behavior::isolated:
      break;
    case Behavior::removed:
      std::erase_if(spans, [](const Span& span) { return span.is_match; });
      break;
    case Behavior::contiguous:
      return join(spans, [](bool is_match, bool previous) { return is_match == previous; });
    case Behavior::merged_with_previous:
      return join(spans, first_match);
    case Behavior::merged_with_next:
      std::ranges::reverse(spans);
      spans = join(spans, first_match);
      std::ranges::reverse(spans);
      break;
  }
  return spans;
}

void PreTokenizer::cut(const Split& split, const Word& word, std::vector<Word>& words) {
  for (const Span& part : parts(split, word.text)) {
    if (part.begin == part.end) continue;
    words.push_back({word.text.substr(part.begin, part.end - part.begin), word.at_start && part.begin == 0});
  }
}

void PreTokenizer::run(const Split& split, const Word& word, std::vector<Word>& words) {
  cut(split, word, words);
}

void PreTokenizer::run(const Metaspace& step, Word word, std::vector<Word>& words) {
  word.text = replace_all(word.text, " ", step.replacement);
  const bool prepends =
      step.prepend == PrependScheme::always || (step.prepend == PrependScheme::first && word.at_start);
  if (prepends && !word.text.starts_with(step.replacement)) word.text.insert(0, step.replacement);
  if (step.split) {
    cut(*step.split, word, words);
  } else {
    words.push_back(std::move(word));
  }
}

void PreTokenizer::run(const ByteLevel& step, Word word, std::vector<Word>& words) {
  if (step.add_prefix_space && !word.text.starts_with(' ')) word.text.insert(0, " ");
  const std::size_t first = words.size();
  if (step.split) {
    cut(*step.split, word, words);
  } else {
    words.push_back(std::move(word));
  }
  for (std::size_t i = first; i < words.size(); ++i)
    words[i].text = byte_symbols(words[i].text);
}

std::vector<Word> PreTokenizer::split(Word text) const {
  std::vector<Word> words;
  if (!text.text.empty()) words.push_back(std::move(text));
  for (const Step& step : steps_) {
    std::vector<Word> next;
    for (Word& word : words) {
      std::visit([&](const auto& kind) { run(kind, std::move(word), next); }, step);
    }
    words = std::move(next);
  }
  return words;
}

bool PreTokenizer::depends_on_start() const {
  return std::ranges::any_of(steps_, [](const Step& step) {
    const auto* metaspace = std::get_if<Metaspace>(&step);
    return metaspace != nullptr && metaspace->prepend == PrependScheme::first;
  });
}

PreTokenizer PreTokenizer::parse(const std::optional<JsonValue>& field) {
  PreTokenizer pre_tokenizer;
  if (field) pre_tokenizer.add(*field);
  return pre_tokenizer;
}

void PreTokenizer::add(const JsonValue& field) {
  const JsonValue type = field.at("type");
  const std::string& name = type.text();
  if (add_plain_split(field, name)) return;
  if (name == "Sequence") {
    for (const JsonValue& part : field.elements("pretokenizers"))
      add(part);
  } else if (name == "Split") {
    steps_.emplace_back(parse_split(field));
  } else if (name == "ByteLevel") {
    steps_.emplace_back(parse_byte_level(field));
  } else if (name == "Metaspace") {
    Metaspace metaspace = parse_metaspace(field);
    const auto changes_text = [](const Step& step) { return !std::holds_alternative<Split>(step); };
    if (metaspace.prepend == PrependScheme::first && std::ranges::any_of(steps_, changes_text)) {
      field.at("prepend_scheme")
          .fail("cannot be reproduced exactly after another step that changes the text");
    }
    steps_.emplace_back(std::move(metaspace));
  } else {
    type.fail("this pre-tokenizer is not computed",
              "ByteLevel, Metaspace, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, "
              "CharDelimiterSplit, BertPreTokenizer, or a Sequence of them");
  }
}

// Adds the kinds that are Splits with fixed patterns. Returns false if `name` is none of them.
bool PreTokenizer::add_plain_split(const JsonValue& field, const std::string& name) {
  if (name == "Digits") {
    const char* pattern = field.flag_or("individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)";
    steps_.emplace_back(Split{pattern_of(pattern, field)});
  } else if (name == "Punctuation") {
    const auto behavior = field.find("behavior");
    steps_.emplace_back(
        Split{pattern_of(kPunctuation, field), behavior ? parse_behavior(*behavior) : Behavior::isolated});
  } else if (name == "WhitespaceSplit") {
    steps_.emplace_back(Split{pattern_of(kWhiteSpace, field), Behavior::removed});
  } else if (name == "Whitespace") {
    const std::string words = fmt::format(R"([{0}]+|[^{0}\p{{White_Space}}]+)", kWord);
    steps_.emplace_back(Split{pattern_of(words, field), Behavior::removed, true});
  } else if (name == "BertPreTokenizer") {
    steps_.emplace_back(Split{pattern_of(kWhiteSpace, field), Behavior::removed});
    steps_.emplace_back(Split{pattern_of(kPunctuation, field)});
  } else if (name == "CharDelimiterSplit") {
    const JsonValue delimiter = field.at("delimiter");
    if (count_code_points(delimiter.text()) != 1) delimiter.fail("wrong value", "one character");
    steps_.emplace_back(Split{Pattern(delimiter.text()), Behavior::removed});
  } else {
    return false;
  }
  return true;
}

PreTokenizer::Behavior PreTokenizer::parse_behavior(const JsonValue& field) {
  static constexpr std::pair<std::string_view, Behavior> kBehaviors[] = {
      {"Removed", Behavior::removed},
      {"Isolated", Behavior::isolated},
      {"MergedWithPrevious", Behavior::merged_with_previous},
      {"MergedWithNext", Behavior::merged_with_next},
      {"Contiguous", Behavior::contiguous}};
  const auto* known =
      std::ranges::find(kBehaviors, field.text(), &std::pair<std::string_view, Behavior>::first);
  if (known == std::end(kBehaviors))
    field.fail("unknown behavior", "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
  return known->second;
}

PreTokenizer::Split PreTokenizer::parse_split(const JsonValue& field) {
  return {Pattern::parse(field.at("pattern")), parse_behavior(field.at("behavior")),
          field.flag_or("invert", false)};
}

PreTokenizer::Metaspace PreTokenizer::parse_metaspace(const JsonValue& field) {
  static constexpr std::pair<std::string_view, PrependScheme> kSchemes[] = {
      {"always", PrependScheme::always}, {"first", PrependScheme::first}, {"never", PrependScheme::never}};
  field.ignore("str_rep");
  Metaspace metaspace;
  const JsonValue replacement = field.at("replacement");
  metaspace.replacement = replacement.text();
  if (count_code_points(metaspace.replacement) != 1) replacement.fail("wrong value", "one character");
  if (const auto scheme = field.find("prepend_scheme")) {
    const auto* known =
        std::ranges::find(kSchemes, scheme->text(), &std::pair<std::string_view, PrependScheme>::first);
    if (known == std::end(kSchemes)) scheme->fail("unknown prepend scheme", "always, first or never");
    metaspace.prepend = known->second;
  }
  // add_prefix_space is the older field. false means never, and contradicts the other schemes.
  if (const auto legacy = field.find("add_prefix_space"); legacy && !legacy->flag()) {
    if (field.find("prepend_scheme") && metaspace.prepend != PrependScheme::never) {
      legacy->fail("contradicts prepend_scheme", "true, or prepend_scheme \"never\"");
    }
    metaspace.prepend = PrependScheme::never;
  }
  if (field.flag_or("split", true))
    metaspace.split = Split{Pattern(metaspace.replacement), Behavior::merged_with_next, false};
  return metaspace;
}

PreTokenizer::ByteLevel PreTokenizer::parse_byte_level(const JsonValue& field) {
  field.ignore("trim_offsets");
  ByteLevel byte_level;
  byte_level.add_prefix_space = field.flag("add_prefix_space");
  if (field.flag_or("use_regex", true))
    byte_level.split = Split{Pattern(regex_from_oniguruma(kGpt2Pattern, field))};
  return byte_level;
}

}  // namespace toptheta
