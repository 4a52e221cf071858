// Inside dump: scores in memory, in the file's element type, on their way to a sink by tiles of rows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/rows.hpp"
#include "dump/stream.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

// Some keys of some rows of one head: row number `r` of the file begins at rows + (r - first_row) *
// row_bytes.
struct KeyPiece {
  const std::byte* rows = nullptr;  // aligned for the element type
  std::int64_t first_row = 0;
  std::int64_t row_bytes = 0;
};

// Rows of one head, cut by keys into pieces of `keys` each, the first at key 0.
struct HeadPieces {
  std::span<const KeyPiece> pieces{};
  std::int64_t keys = 0;
};

// Rows that a sink gets at a time, in floats: they and their successors stay in the second-level cache while
// it passes over them. A longer row makes a tile of its own.
inline constexpr std::int64_t kTileBytes = std::int64_t{64} << 10;

// `bytes`, aligned for elements of this type, as floats: kernels/widen.hpp.
RowRange widen_elements(const std::byte* bytes, hdf5::Element element, std::span<float> out);

// Memory: for each tile one copy in float, but for float32 rows that stand in one piece.
class TileSender {
 public:
  // Sends rows first ... end - 1 of the layer's selection, in order. `where` names the data set in messages.
  // Throws InputError as DumpReader::stream() does.
  void send(const LayerRows& layer, hdf5::Element element, const std::string& where, std::int64_t head,
            std::size_t first, std::size_t end, const HeadPieces& pieces, RowSink& sink);

 private:
  [[nodiscard]] std::size_t tile_end(const LayerRows& layer, std::size_t first, std::size_t end,
                                     bool neighbours) const;
  void look_ahead(const LayerRows& layer, hdf5::Element element, std::size_t first, std::size_t end,
                  const HeadPieces& pieces);
  RowRange widen_row(hdf5::Element element, std::int64_t row, const HeadPieces& pieces, std::span<float> out);

  std::vector<float> floats_;
  std::vector<RowRange> ranges_;
  std::vector<std::span<const std::byte>> next_;
};

}  // namespace toptheta
