// What a cache keeps of its keys beside themselves, so that a threshold can rule keys out before they are
// read (docs/method.md, "Skipping before reading"). Results are the same to the bit with any of them.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/shape.hpp"
#include "kernels/attention_tiles.hpp"

namespace toptheta {

enum class Prefilter {
  none,
  page,      // bounds of every 32 keys
  int8,      // the keys in 8 bits: decode reads these, and in full only the keys that may pass
  automatic  // int8 in decode where at most a tenth is expected to be kept; page in prefill as long as it
             // pays
};

std::string_view name_of(Prefilter prefilter);  // "none", "page", "int8", "auto"
std::optional<Prefilter> prefilter_from_name(std::string_view name);

// Bounds and bytes of the keys of all layers and KV heads. Memory: page 1/4 byte, int8 5 bytes per element of
// K (1 for the byte, 4 for the keys row by row, which single candidates are read from).
class KeyIndex {
 public:
  KeyIndex(Prefilter prefilter, const ModelShape& shape, std::int64_t capacity);

  [[nodiscard]] bool has_bounds() const { return !largest_.empty(); }
  [[nodiscard]] bool has_bytes() const { return !bytes_.empty(); }

  // One key of head `head` (layer * KV heads + KV head), at a position that follows the last one appended or,
  // after a truncation, any earlier one.
  void append(std::int64_t head, std::int64_t position, const float* key);

  // Of the tile of keys that begins at `position`, a multiple of kTileKeys.
  [[nodiscard]] TileBounds bounds(std::int64_t head, std::int64_t position) const;
  [[nodiscard]] TileBytes bytes(std::int64_t head, std::int64_t position) const;

 private:
  void append_bounds(std::int64_t head, std::int64_t position, const float* key);
  void append_bytes(std::int64_t head, std::int64_t position, const float* key);

  std::int64_t dim_;
  std::int64_t tiles_;              // of a head
  std::vector<float> largest_;      // [heads][tiles][head_dim][pages of a tile]
  std::vector<float> smallest_;     // the same
  std::vector<float> magnitude_;    // [heads][tiles]
  std::vector<std::int8_t> bytes_;  // [heads][tiles][blocks][head_dim][kKeyBlock]
  std::vector<float> steps_;        // [heads][tiles][kTileKeys]
  std::vector<float> rows_;         // [heads][tiles][kTileKeys][head_dim]
};

}  // namespace toptheta
