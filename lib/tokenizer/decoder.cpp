#include "tokenizer/decoder.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>

#include "tokenizer/byte_alphabet.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

// The bytes that a token of a byte-level vocabulary stands for; a token outside the alphabet stands for
// itself.
std::string bytes_of_symbols(const std::string& token) {
  std::string bytes;
  for (std::size_t at = 0; at < token.size(); at += utf8_length(token[at])) {
    const auto byte = byte_of_symbol(first_code_point(std::string_view(token).substr(at)));
    if (!byte) return token;
    bytes.push_back(*byte);
  }
  return bytes;
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10U;
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10U;
  return std::nullopt;
}

// The byte that "<0xHH>" stands for.
std::optional<char> byte_of_token(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  const auto high = hex_digit(token[3]);
  const auto low = hex_digit(token[4]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high << 4U | *low);
}

std::string join(const std::vector<std::string>& tokens) {
  return std::accumulate(tokens.begin(), tokens.end(), std::string());
}

}  // namespace

void Decoder::run(const ByteLevel& /*step*/, std::vector<std::string>& tokens) {
  std::string bytes;
  for (const std::string& token : tokens)
    bytes += bytes_of_symbols(token);
  tokens = {to_valid_utf8(bytes)};
}

// Runs of byte tokens are joined to characters. A run that is not valid UTF-8 becomes one U+FFFD for each
// byte.
void Decoder::run(const ByteFallback& /*step*/, std::vector<std::string>& tokens) {
  std::vector<std::string> decoded;
  std::string bytes;
  const auto flush = [&] {
    if (find_invalid_utf8(bytes)) {
      decoded.insert(decoded.end(), bytes.size(), "\uFFFD");
    } else if (!bytes.empty()) {
      decoded.push_back(bytes);
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    if (const auto byte = byte_of_token(token)) {
      bytes.push_back(*byte);
    } else {
      flush();
      decoded.push_back(std::move(token));
    }
  }
  flush();
  tokens = std::move(decoded);
}

void Decoder::run(const Fuse& /*step*/, std::vector<std::string>& tokens) {
  tokens = {join(tokens)};
}

void Decoder::run(const Replace& step, std::vector<std::string>& tokens) {
  for (std::string& token : tokens)
    token = step.from.replace(token, step.to);
}

void Decoder::run(const Strip& step, std::vector<std::string>& tokens) {
  for (std::string& token : tokens) {
    std::string_view rest = token;
    for (std::int64_t i = 0; i < step.start && rest.starts_with(step.character); ++i) {
      rest.remove_prefix(step.character.size());
    }
    for (std::int64_t i = 0; i < step.stop && rest.ends_with(step.character); ++i) {
      rest.remove_suffix(step.character.size());
    }
    token = std::string(rest);
  }
}

void Decoder::run(const Metaspace& step, std::vector<std::string>& tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool drop = i == 0 && step.drops_in_first_token;
    tokens[i] = replace_all(tokens[i], step.replacement, drop ? "" : " ");
  }
}

std::string Decoder::decode(std::vector<std::string> tokens) const {
  if (!present_) {
    std::string text;
    for (std::size_t i = 0; i < tokens.size(); ++i)
      text.append(i == 0 ? "" : " ").append(tokens[i]);
    return text;
  }
  for (const Step& step : steps_) {
    std::visit([&](const auto& kind) { run(kind, tokens); }, step);
  }
  return join(tokens);
}

Decoder Decoder::parse(const std::optional<JsonValue>& field) {
  Decoder decoder;
  if (field) decoder.add(*field);
  decoder.present_ = field.has_value();
  return decoder;
}

void Decoder::add(const JsonValue& field) {
  const JsonValue type = field.at("type");
  const std::string& name = type.text();
  if (name == "Sequence") {
    for (const JsonValue& part : field.elements("decoders"))
      add(part);
  } else if (name == "ByteLevel") {
    field.ignore({"add_prefix_space", "trim_offsets", "use_regex"});
    steps_.emplace_back(ByteLevel{});
  } else if (name == "ByteFallback") {
    steps_.emplace_back(ByteFallback{});
  } else if (name == "Fuse") {
    steps_.emplace_back(Fuse{});
  } else if (name == "Replace") {
    steps_.emplace_back(Replace{Pattern::parse(field.at("pattern")), field.text("content")});
  } else if (name == "Strip") {
    const JsonValue content = field.at("content");
    if (count_code_points(content.text()) != 1) content.fail("wrong value", "one character");
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    steps_.emplace_back(
        Strip{content.text(), field.integer("start", 0, kMost), field.integer("stop", 0, kMost)});
  } else if (name == "Metaspace") {
    field.ignore({"split", "str_rep"});
    const JsonValue replacement = field.at("replacement");
    if (count_code_points(replacement.text()) != 1) replacement.fail("wrong value", "one character");
    const bool prepends = field.flag_or("add_prefix_space", true);
    const bool never = field.text_or("prepend_scheme", "always") == "never";
    steps_.emplace_back(Metaspace{replacement.text(), prepends && !never});
  } else {
    type.fail("this decoder is not computed",
              "ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip, or a Sequence of them");
  }
}

}  // namespace toptheta
