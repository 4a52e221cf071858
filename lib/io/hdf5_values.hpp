// Internal to lib/io: the values of attributes, as a child process read them.
//
// The library trusts damaged types and heaps: whether reading an attribute crashes depends on what happens to
// lie in memory, so that one process may survive what kills another. Therefore only the child that walks a
// foreign file (io/hdf5_probe.hpp) reads attributes, and sends what it found.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace toptheta::hdf5 {

// A value is a list of byte strings:
//   - texts of variable length: the texts;
//   - texts of fixed length: their bytes, with padding;
//   - one integer: its 8 bytes as int64_t, then as double;
//   - one float: an empty string, then its 8 bytes as double.
class AttributeValues {
 public:
  // `object`: the object's address in its file.
  void add(std::uint64_t object, std::string_view attribute, std::vector<std::string> value);
  // Null where the child read none.
  [[nodiscard]] const std::vector<std::string>* find(std::uint64_t object, std::string_view attribute) const;

  // As bytes for a process of the same program, and back; nothing where `bytes` are not what packed() made.
  [[nodiscard]] std::string packed() const;
  static std::optional<AttributeValues> unpacked(std::string_view bytes);

 private:
  std::map<std::pair<std::uint64_t, std::string>, std::vector<std::string>> texts_;
};

}  // namespace toptheta::hdf5
