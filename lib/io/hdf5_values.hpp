// Internal to lib/io: attributes, and their way from one process to another.
//
// The library trusts damaged types and heaps: whether a call that touches an attribute crashes depends on
// what happens to lie in memory, so that one process may survive what kills another. Therefore only the child
// that walks a foreign file (io/hdf5_probe.hpp) touches attributes, and sends what it found.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace toptheta::hdf5 {

enum class AttributeKind : std::uint8_t { unreadable, integer, real, text, enumeration, other };

struct Attribute {
  AttributeKind kind = AttributeKind::unreadable;
  std::int64_t elements = 0;
  std::int64_t rank = 0;
  bool is_read = false;            // whether what follows holds the value; never for the last two kinds
  std::int64_t integer = 0;        // of one integer
  double number = 0;               // of one integer or float
  std::vector<std::string> texts;  // of all strings, without padding
};

// What the library says of an attribute of an object. `left`: how many bytes of texts may still be read;
// where it does not suffice, or the library fails, the attribute is not read. Never throws InputError.
Attribute read_attribute(std::int64_t object, const std::string& name, std::int64_t& left);

// The attributes of all objects of a file.
class AttributeValues {
 public:
  // `object`: the object's address in its file.
  void add(std::uint64_t object, std::string_view name, Attribute attribute);
  // Null where the object has no such attribute.
  [[nodiscard]] const Attribute* find(std::uint64_t object, std::string_view name) const;

  // As bytes for a process of the same program, and back; nothing where `bytes` are not what packed() made.
  [[nodiscard]] std::string packed() const;
  static std::optional<AttributeValues> unpacked(std::string_view bytes);

 private:
  std::map<std::pair<std::uint64_t, std::string>, Attribute> attributes_;
};

}  // namespace toptheta::hdf5
