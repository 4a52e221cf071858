#include "tokenizer/charsmap.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

std::string bytes_of_base64(const JsonValue& field) {
  const std::string& text = field.text();
  std::string bytes(text.size() / 4 * 3, '\0');
  const auto* from = static_cast<const unsigned char*>(static_cast<const void*>(text.data()));
  auto* to = static_cast<unsigned char*>(static_cast<void*>(bytes.data()));
  const bool whole = text.size() % 4 == 0 && text.size() < (std::size_t{1} << 30U);
  if (!whole || EVP_DecodeBlock(to, from, static_cast<int>(text.size())) < 0)
    field.fail("not base64", "SentencePiece's table of characters in base64");
  const std::size_t padding = text.size() - std::min(text.size(), text.find_last_not_of('=') + 1);
  bytes.resize(bytes.size() - std::min(padding, bytes.size()));
  return bytes;
}

// The bit fields of a unit of Darts-clone's double array.
bool has_leaf(std::uint32_t unit) {
  return (unit >> 8U & 1U) != 0;
}
std::uint32_t value(std::uint32_t unit) {
  return unit & 0x7FFFFFFFU;
}
std::uint32_t label(std::uint32_t unit) {
  return unit & 0x800000FFU;
}
std::uint32_t offset(std::uint32_t unit) {
  return unit >> 10U << ((unit & 0x200U) >> 6U);
}

}  // namespace

Charsmap Charsmap::parse(const JsonValue& field) {
  const std::string bytes = bytes_of_base64(field);
  std::uint32_t size = 0;
  if (bytes.size() >= sizeof size) std::memcpy(&size, bytes.data(), sizeof size);
  if (size == 0 || size % 4 != 0 || size > bytes.size() - sizeof size)
    field.fail("not SentencePiece's table of characters", "the size of its index, and the index");
  Charsmap map;
  map.units_.resize(size / 4);
  std::memcpy(map.units_.data(), bytes.data() + sizeof size, size);
  map.replacements_ = bytes.substr(sizeof size + size);
  if (map.replacements_.empty() || map.replacements_.back() != '\0') map.replacements_.push_back('\0');
  if (find_invalid_utf8(map.replacements_)) field.fail("its replacements are not UTF-8");
  return map;
}

std::optional<std::string_view> Charsmap::find(std::string_view chunk) const {
  const auto unit_at = [&](std::uint32_t at) { return at < units_.size() ? units_[at] : 0; };
  std::uint32_t at = offset(unit_at(0));
  for (const char c : chunk) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) break;
    at ^= byte;
    const std::uint32_t unit = unit_at(at);
    if (label(unit) != byte) break;
    at ^= offset(unit);
    if (!has_leaf(unit)) continue;
    const std::size_t begin = value(unit_at(at));
    if (begin >= replacements_.size()) return std::nullopt;
    return std::string_view(replacements_).substr(begin, replacements_.find('\0', begin) - begin);
  }
  return std::nullopt;
}

std::string Charsmap::apply(std::string_view text) const {
  constexpr std::size_t kLongestWhole = 5;  // bytes
  std::string result;
  for (const std::string_view grapheme : graphemes(text)) {
    if (grapheme.size() <= kLongestWhole) {
      if (const auto replacement = find(grapheme)) {
        result.append(*replacement);
        continue;
      }
    }
    for (std::size_t at = 0; at < grapheme.size(); at += utf8_length(grapheme[at])) {
      const std::string_view character = grapheme.substr(at, utf8_length(grapheme[at]));
      result.append(find(character).value_or(character));
    }
  }
  return result;
}

}  // namespace toptheta
