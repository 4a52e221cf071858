// Internal to lib/io: attributes that hold texts of variable length, as a child process read them.
//
// The library looks such texts up in a global heap, and trusts a damaged file about where in the heap they
// are: whether reading one crashes depends on what happens to lie in memory, so that one process may survive
// what kills another. Therefore only the child that walks a foreign file (io/hdf5_probe.hpp) reads them, and
// sends what it found.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace toptheta::hdf5 {

class VariableTexts {
 public:
  // `object`: the object's address in its file.
  void add(std::uint64_t object, std::string_view attribute, std::vector<std::string> texts);
  // The attribute's texts; null where the child read none.
  [[nodiscard]] const std::vector<std::string>* find(std::uint64_t object, std::string_view attribute) const;

  // As bytes for a process of the same program, and back; nothing where `bytes` are not what packed() made.
  [[nodiscard]] std::string packed() const;
  static std::optional<VariableTexts> unpacked(std::string_view bytes);

 private:
  std::map<std::pair<std::uint64_t, std::string>, std::vector<std::string>> texts_;
};

}  // namespace toptheta::hdf5
