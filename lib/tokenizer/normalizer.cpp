#include "tokenizer/normalizer.hpp"

#include "core/error.hpp"

namespace toptheta {
namespace {

// Every character that the NFC form may lack or combine with a neighbour: combining marks, conjoining Hangul
// vowels and finals, unassigned characters, and the blocks that hold characters which are replaced by others
// (singletons, composition exclusions and compatibility ideographs). It may name too many, never too few.
constexpr const char* kMayChangeUnderNfc =
    R"([\p{M}\p{Cn}\x{1161}-\x{1175}\x{11A8}-\x{11C2}\x{374}\x{37E}\x{387}\x{958}-\x{95F}\x{9DC}-\x{9DF}\x{A33}-\x{A36})"
    R"(\x{A59}-\x{A5E}\x{B5C}\x{B5D}\x{F43}-\x{FB9}\x{1F00}-\x{1FFF}\x{2000}\x{2001}\x{2126}\x{212A}\x{212B}\x{2329})"
    R"(\x{232A}\x{2ADC}\x{F900}-\x{FAFF}\x{FB1D}-\x{FB4E}\x{11000}-\x{11FFF}\x{16100}-\x{161FF}\x{16D40}-\x{16D7F})"
    R"(\x{1D100}-\x{1D1FF}\x{2F800}-\x{2FA1F}])";

}  // namespace

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, done)) {
    result.append(text.substr(done, at - done)).append(to);
    done = at + from.size();
  }
  return result.append(text.substr(done));
}

Normalizer Normalizer::parse(const std::optional<JsonField>& field) {
  Normalizer normalizer;
  if (field) normalizer.add(*field);
  return normalizer;
}

void Normalizer::add(const JsonField& field) {
  const JsonField type = field.at("type");
  const std::string& name = type.as_string();
  if (name == "Sequence") {
    for (const JsonField& part : field.at("normalizers").elements())
      add(part);
  } else if (name == "Prepend") {
    steps_.emplace_back(Prepend{field.at("prepend").as_string()});
  } else if (name == "Replace") {
    const JsonField pattern = field.at("pattern").at("String");
    if (pattern.as_string().empty()) pattern.fail("nothing to replace", "a string of at least one character");
    steps_.emplace_back(Replace{pattern.as_string(), field.at("content").as_string()});
  } else if (name == "NFC") {
    steps_.emplace_back(RequireNfc{type.where(), Regex(kMayChangeUnderNfc, type.where())});
  } else {
    type.fail("this normalizer cannot be reproduced exactly", "Prepend, Replace, NFC, or a Sequence of them");
  }
}

std::string Normalizer::apply(std::string text) const {
  for (const Step& step : steps_) {
    if (const auto* prepend = std::get_if<Prepend>(&step)) {
      if (!text.empty()) text.insert(0, prepend->text);
    } else if (const auto* replace = std::get_if<Replace>(&step)) {
      text = replace_all(text, replace->from, replace->to);
    } else if (const auto& nfc = std::get<RequireNfc>(step); nfc.may_change.found_in(text)) {
      throw InputError({.where = nfc.where,
                        .what = "the text holds characters that NFC may change, which is not reproduced",
                        .expected = "text without combining marks and compatibility characters",
                        .next = "compose the text's characters, or use a tokenizer without NFC"});
    }
  }
  return text;
}

}  // namespace toptheta
