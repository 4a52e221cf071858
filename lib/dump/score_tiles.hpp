// Internal to lib/dump: sends scores that lie in memory, in the file's element type, to a sink in tiles of
// rows.
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

// Some keys of some rows of one head. Row `r` of the file begins at rows + (r - first_row) * row_bytes.
struct KeyPiece {
  const std::byte* rows = nullptr;  // aligned for the element type
  std::int64_t first_row = 0;
  std::int64_t row_bytes = 0;
};

// Rows of one head, cut along the keys into pieces of `keys` keys; the first piece begins at key 0.
struct HeadPieces {
  std::span<const KeyPiece> pieces{};
  std::int64_t keys = 0;
};

// The bytes of scores, in float, that a sink gets at a time. They and the rows after them stay in the
// second-level cache while the sink works on them. A longer row is a tile of its own.
inline constexpr std::int64_t kTileBytes = std::int64_t{64} << 10;

// Converts elements, which must be aligned for their type, to floats (kernels/rows/widen.hpp). Returns the
// range of the values.
RowRange widen_elements(const std::byte* bytes, hdf5::Element element, std::span<float> out);

// Memory: one copy of a tile in float; none for float32 rows that lie in one piece.
class TileSender {
 public:
  // Sends rows first ... end - 1 of the layer's selected rows, in order. `where` names the data set in
  // messages. Throws InputError as DumpReader::stream() does.
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
