#include "tokenizer/normalizer.hpp"

#include <algorithm>

#include "tokenizer/byte_alphabet.hpp"

namespace toptheta {
namespace {

// Replaces every character c by map(c), and removes it if that is nullopt.
template <typename Map>
std::string map_characters(const std::string& text, const Map& map) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); at += utf8_length(text[at])) {
    const std::optional<char32_t> c = map(first_code_point(std::string_view(text).substr(at)));
    if (c) append_utf8(result, *c);
  }
  return result;
}

// Removes control characters and turns separators into spaces, by SentencePiece's rules for translation
// (NMT).
std::optional<char32_t> nmt_character(char32_t c) {
  const bool removed = (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
                       c == 0x8F || c == 0x9F;
  if (removed) return std::nullopt;
  const bool separates = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                         (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                         c == 0xFEFF || c == 0xFFFD;
  return separates ? U' ' : c;
}

constexpr std::pair<std::string_view, NormalForm> kForms[] = {{"NFC", NormalForm::nfc},
                                                              {"NFD", NormalForm::nfd},
                                                              {"NFKC", NormalForm::nfkc},
                                                              {"NFKD", NormalForm::nfkd}};

}  // namespace

Normalizer Normalizer::parse(const std::optional<JsonValue>& field) {
  Normalizer normalizer;
  if (field) normalizer.add(*field);
  return normalizer;
}

void Normalizer::add(const JsonValue& field) {
  const JsonValue type = field.at("type");
  const std::string& name = type.text();
  const auto* form = std::ranges::find(kForms, name, &std::pair<std::string_view, NormalForm>::first);
  if (form != std::end(kForms)) {
    steps_.emplace_back(Form{form->second});
  } else if (name == "Sequence") {
    for (const JsonValue& part : field.elements("normalizers"))
      add(part);
  } else if (name == "Prepend") {
    steps_.emplace_back(Prepend{field.text("prepend")});
  } else if (name == "Replace") {
    const JsonValue pattern = field.at("pattern");
    // Other programs put the content twice before some texts.
    if (const auto text = pattern.find("String"); text && text->text().empty())
      text->fail("an empty text to replace cannot be reproduced", "some text, or a Regex");
    steps_.emplace_back(Replace{Pattern::parse(pattern), field.text("content")});
  } else if (name == "Strip") {
    steps_.emplace_back(Strip{field.flag("strip_left"), field.flag("strip_right")});
  } else if (name == "Precompiled") {
    steps_.emplace_back(Charsmap::parse(field.at("precompiled_charsmap")));
  } else if (name == "Lowercase") {
    steps_.emplace_back(Lowercase{});
  } else if (name == "StripAccents") {
    steps_.emplace_back(StripAccents{});
  } else if (name == "Nmt") {
    steps_.emplace_back(Nmt{});
  } else if (name == "ByteLevel") {
    steps_.emplace_back(ByteLevel{});
  } else {
    type.fail("this normalizer is not computed",
              "NFC, NFD, NFKC, NFKD, Prepend, Replace, Lowercase, Strip, StripAccents, Nmt, Precompiled, "
              "ByteLevel, or "
              "a Sequence of them");
  }
}

std::string Normalizer::run(const Form& step, const std::string& text) {
  return normalized(text, step.form);
}
std::string Normalizer::run(const Prepend& step, const std::string& text) {
  return text.empty() ? text : step.text + text;
}
std::string Normalizer::run(const Replace& step, const std::string& text) {
  return step.from.replace(text, step.to);
}
std::string Normalizer::run(const Strip& step, const std::string& text) {
  std::string_view rest = text;
  if (step.left) rest.remove_prefix(leading_white_space(rest));
  if (step.right) rest.remove_suffix(trailing_white_space(rest));
  return std::string(rest);
}
std::string Normalizer::run(const Lowercase& /*step*/, const std::string& text) {
  return lower_case(text);
}
std::string Normalizer::run(const StripAccents& /*step*/, const std::string& text) {
  return map_characters(text, [](char32_t c) { return is_mark(c) ? std::nullopt : std::optional(c); });
}
std::string Normalizer::run(const Nmt& /*step*/, const std::string& text) {
  return map_characters(text, nmt_character);
}
std::string Normalizer::run(const ByteLevel& /*step*/, const std::string& text) {
  return byte_symbols(text);
}
std::string Normalizer::run(const Charsmap& step, const std::string& text) {
  return step.apply(text);
}

std::string Normalizer::apply(std::string text) const {
  for (const Step& step : steps_)
    text = std::visit([&](const auto& kind) { return run(kind, text); }, step);
  return text;
}

bool Normalizer::removes() const {
  return std::ranges::any_of(steps_, [](const Step& step) {
    const auto* replace = std::get_if<Replace>(&step);
    const auto* strip = std::get_if<Strip>(&step);
    return (replace != nullptr && replace->to.empty()) || (strip != nullptr && strip->left) ||
           std::holds_alternative<StripAccents>(step) || std::holds_alternative<Nmt>(step);
  });
}

}  // namespace toptheta
