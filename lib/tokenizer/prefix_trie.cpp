#include "tokenizer/prefix_trie.hpp"

#include <algorithm>

namespace toptheta {

PrefixTrie::PrefixTrie(std::vector<std::pair<std::string_view, std::int32_t>> pieces) {
  std::ranges::sort(pieces);
  // The pieces below a node are a range of the sorted list. Nodes are created breadth-first, so that siblings
  // are neighbours.
  struct Range {
    std::size_t begin;
    std::size_t end;
    std::size_t depth;
  };
  std::vector<Range> ranges = {{0, pieces.size(), 0}};
  nodes_.emplace_back();
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    if (begin < end && pieces[begin].first.size() == depth) nodes_[node].value = pieces[begin++].second;
    nodes_[node].first_child = static_cast<std::uint32_t>(nodes_.size());
    while (begin < end) {
      const char byte = pieces[begin].first[depth];
      const std::size_t first = begin;
      while (begin < end && pieces[begin].first[depth] == byte)
        ++begin;
      nodes_.emplace_back().byte = static_cast<std::uint8_t>(byte);
      ranges.push_back({first, begin, depth + 1});
      ++nodes_[node].children;
    }
  }
}

std::uint32_t PrefixTrie::child(std::uint32_t node, unsigned char byte) const {
  const auto first = nodes_.begin() + nodes_[node].first_child;
  const auto last = first + nodes_[node].children;
  const auto found = std::ranges::lower_bound(first, last, byte, {}, &Node::byte);
  return found != last && found->byte == byte ? static_cast<std::uint32_t>(found - nodes_.begin()) : 0;
}

}  // namespace toptheta
