#include "io/hdf5_values.hpp"

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

void AttributeValues::add(std::uint64_t object, std::string_view attribute, std::vector<std::string> texts) {
  texts_.insert_or_assign({object, std::string(attribute)}, std::move(texts));
}

const std::vector<std::string>* AttributeValues::find(std::uint64_t object,
                                                      std::string_view attribute) const {
  const auto found = texts_.find({object, std::string(attribute)});
  return found == texts_.end() ? nullptr : &found->second;
}

std::string AttributeValues::packed() const {
  std::string bytes;
  put(bytes, std::uint64_t{texts_.size()});
  for (const auto& [place, texts] : texts_) {
    put(bytes, place.first);
    put(bytes, place.second);
    put(bytes, std::uint64_t{texts.size()});
    for (const std::string& text : texts)
      put(bytes, text);
  }
  return bytes;
}

std::optional<AttributeValues> AttributeValues::unpacked(std::string_view bytes) {
  AttributeValues made;
  Unpacker from{bytes};
  for (std::uint64_t left = from.number(); left > 0 && from.whole; --left) {
    const std::uint64_t object = from.number();
    const std::string attribute = from.text();
    std::vector<std::string> texts;
    for (std::uint64_t count = from.number(); count > 0 && from.whole; --count)
      texts.push_back(from.text());
    made.add(object, attribute, std::move(texts));
  }
  if (!from.whole || !from.bytes.empty()) return std::nullopt;
  return made;
}

}  // namespace toptheta::hdf5
