// A trie that finds all pieces of a vocabulary with which a text begins.
#pragma once
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace toptheta {

class PrefixTrie {
 public:
  // `pieces` holds each piece with its value, which must not be negative, in any order. No piece may be empty
  // or appear twice. Memory: 12 bytes for every distinct prefix of a piece.
  explicit PrefixTrie(std::vector<std::pair<std::string_view, std::int32_t>> pieces);

  // Calls found(length in bytes, value) for every piece with which `text` begins, the shortest first.
  template <typename Found>
  void for_each_prefix(std::string_view text, const Found& found) const {
    std::uint32_t node = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      node = child(node, static_cast<unsigned char>(text[at]));
      if (node == 0) return;
      if (nodes_[node].value >= 0) found(at + 1, nodes_[node].value);
    }
  }

 private:
  struct Node {
    std::uint32_t first_child = 0;  // its children are neighbours, in the order of their bytes
    std::int32_t value = -1;
    std::uint16_t children = 0;
    std::uint8_t byte = 0;
  };
  // The child of a node for this byte. 0 means that there is none, since the root is no node's child.
  [[nodiscard]] std::uint32_t child(std::uint32_t node, unsigned char byte) const;

  std::vector<Node> nodes_;
};

}  // namespace toptheta
