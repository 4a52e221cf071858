#include "dump/score_tiles.hpp"

#include <algorithm>

#include "dump/row_checks.hpp"
#include "kernels/rows/select.hpp"
#include "kernels/rows/widen.hpp"

namespace toptheta {

namespace {

using hdf5::Element;

template <class T>
std::span<const T> elements(const std::byte* bytes, std::size_t count) {
  return {static_cast<const T*>(static_cast<const void*>(bytes)), count};
}

// Maps the pages of the file: a prefetch only works on pages that are mapped.
void touch(std::span<const std::byte> bytes) {
  constexpr std::size_t kPage = 4096;
  for (std::size_t i = 0; i < bytes.size(); i += kPage)
    static_cast<void>(*static_cast<const volatile std::byte*>(bytes.data() + i));
}

const std::byte* row_of(const KeyPiece& piece, std::int64_t row) {
  return piece.rows + (row - piece.first_row) * piece.row_bytes;
}

}  // namespace

RowRange widen_elements(const std::byte* bytes, Element element, std::span<float> out) {
  switch (element) {
    case Element::f64:
      return widen_f64(elements<double>(bytes, out.size()), out);
    case Element::f32:
      return copy_f32(elements<float>(bytes, out.size()), out);
    case Element::bf16:
      return widen_bf16(elements<std::uint16_t>(bytes, out.size()), out);
    default:
      return widen_f16(elements<std::uint16_t>(bytes, out.size()), out);
  }
}

// The end of the tile that begins with selected row `first`. `neighbours`: only consecutive rows of the file.
std::size_t TileSender::tile_end(const LayerRows& layer, std::size_t first, std::size_t end,
                                 bool neighbours) const {
  std::int64_t floats = layer.lengths[first];
  std::size_t last = first + 1;
  for (; last < end; ++last) {
    if (neighbours && layer.rows[last] != layer.rows[last - 1] + 1) break;
    floats += layer.lengths[last];
    if (floats * static_cast<std::int64_t>(sizeof(float)) > kTileBytes) break;
  }
  return last;
}

// Sets next_ to the bytes of rows first ... end - 1, where each row is in one piece.
void TileSender::look_ahead(const LayerRows& layer, Element element, std::size_t first, std::size_t end,
                            const HeadPieces& pieces) {
  next_.clear();
  if (pieces.pieces.size() != 1) return;
  for (std::size_t r = first; r < end; ++r) {
    next_.emplace_back(row_of(pieces.pieces[0], layer.rows[r]),
                       static_cast<std::size_t>(layer.lengths[r] * hdf5::size_of(element)));
    touch(next_.back());
  }
}

RowRange TileSender::widen_row(Element element, std::int64_t row, const HeadPieces& pieces,
                               std::span<float> out) {
  RowRange range = row_range({});
  const auto step = static_cast<std::size_t>(pieces.keys);
  for (std::size_t key = 0, i = 0; key < out.size(); key += step, ++i) {
    const std::span<float> part = out.subspan(key, std::min(step, out.size() - key));
    range = both(range, widen_elements(row_of(pieces.pieces[i], row), element, part));
  }
  return range;
}

void TileSender::send(const LayerRows& layer, Element element, const std::string& where, std::int64_t head,
                      std::size_t first, std::size_t end, const HeadPieces& pieces, RowSink& sink) {
  const bool in_place = element == Element::f32 && pieces.pieces.size() == 1;
  for (std::size_t begin = first; begin < end;) {
    const std::size_t last = tile_end(layer, begin, end, in_place);
    const std::span<const std::int32_t> lengths = std::span(layer.lengths).subspan(begin, last - begin);
    const std::span<const std::int64_t> numbers = std::span(layer.rows).subspan(begin, last - begin);
    RowBlock block{layer.layer, head, nullptr, 0, lengths};
    if (in_place) {
      const KeyPiece& piece = pieces.pieces[0];
      block.scores = elements<float>(row_of(piece, numbers.front()), 1).data();
      block.stride = piece.row_bytes / static_cast<std::int64_t>(sizeof(float));
    } else {
      constexpr std::int64_t kAlign = 16;
      const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
      block.stride = (longest + kAlign - 1) / kAlign * kAlign;
      floats_.resize(std::max(floats_.size(), static_cast<std::size_t>(block.stride) * lengths.size()));
      ranges_.clear();
      for (std::size_t r = 0; r < lengths.size(); ++r)
        ranges_.push_back(widen_row(element, numbers[r], pieces,
                                    std::span(floats_).subspan(r * static_cast<std::size_t>(block.stride),
                                                               static_cast<std::size_t>(lengths[r]))));
      block.scores = floats_.data();
      block.ranges = ranges_;
    }
    require_finite(block, numbers, where, ranges_);
    look_ahead(layer, element, last, std::min(end, last + lengths.size()), pieces);
    block.next = next_;
    sink.add(block);
    begin = last;
  }
}

}  // namespace toptheta
