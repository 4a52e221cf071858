#include "io/hdf5_values.hpp"

#include <bit>
#include <cstring>

namespace toptheta::hdf5 {

namespace {

void put(std::string& bytes, std::uint64_t number) {
  char as_bytes[sizeof number];
  std::memcpy(as_bytes, &number, sizeof number);
  bytes.append(as_bytes, sizeof number);
}

void put(std::string& bytes, std::string_view text) {
  put(bytes, std::uint64_t{text.size()});
  bytes.append(text);
}

// Reads what put() wrote; once something is missing, `whole` is false and the rest is empty.
struct Unpacker {
  std::string_view bytes;
  bool whole = true;

  std::string_view take(std::uint64_t count) {
    if (count > bytes.size()) whole = false;
    if (!whole) return {};
    const std::string_view taken = bytes.substr(0, count);
    bytes.remove_prefix(count);
    return taken;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    const std::string_view taken = take(sizeof value);
    if (whole) std::memcpy(&value, taken.data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(take(number())); }
};

}  // namespace

void AttributeValues::add(std::uint64_t object, std::string_view name, Attribute attribute) {
  attributes_.insert_or_assign({object, std::string(name)}, std::move(attribute));
}

const Attribute* AttributeValues::find(std::uint64_t object, std::string_view name) const {
  const auto found = attributes_.find({object, std::string(name)});
  return found == attributes_.end() ? nullptr : &found->second;
}

std::string AttributeValues::packed() const {
  std::string bytes;
  put(bytes, std::uint64_t{attributes_.size()});
  for (const auto& [place, attribute] : attributes_) {
    put(bytes, place.first);
    put(bytes, place.second);
    put(bytes, static_cast<std::uint64_t>(attribute.kind));
    put(bytes, static_cast<std::uint64_t>(attribute.elements));
    put(bytes, static_cast<std::uint64_t>(attribute.rank));
    put(bytes, std::uint64_t{attribute.is_read});
    put(bytes, static_cast<std::uint64_t>(attribute.integer));
    put(bytes, std::bit_cast<std::uint64_t>(attribute.number));
    put(bytes, std::uint64_t{attribute.texts.size()});
    for (const std::string& text : attribute.texts)
      put(bytes, text);
  }
  return bytes;
}

std::optional<AttributeValues> AttributeValues::unpacked(std::string_view bytes) {
  AttributeValues made;
  Unpacker from{bytes};
  for (std::uint64_t left = from.number(); left > 0 && from.whole; --left) {
    const std::uint64_t object = from.number();
    const std::string name = from.text();
    Attribute attribute;
    attribute.kind = static_cast<AttributeKind>(from.number());
    attribute.elements = static_cast<std::int64_t>(from.number());
    attribute.rank = static_cast<std::int64_t>(from.number());
    attribute.is_read = from.number() != 0;
    attribute.integer = static_cast<std::int64_t>(from.number());
    attribute.number = std::bit_cast<double>(from.number());
    for (std::uint64_t count = from.number(); count > 0 && from.whole; --count)
      attribute.texts.push_back(from.text());
    made.add(object, name, std::move(attribute));
  }
  if (!from.whole || !from.bytes.empty()) return std::nullopt;
  return made;
}

}  // namespace toptheta::hdf5
