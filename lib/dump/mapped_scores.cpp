#include "dump/mapped_scores.hpp"

#include <algorithm>

#include "core/parallel.hpp"
#include "dump/row_checks.hpp"
#include "kernels/convert.hpp"

namespace toptheta {

namespace {

// Rows that a sink gets at a time: they stay in the second-level cache while it passes over them again.
constexpr std::int64_t kTileBytes = std::int64_t{256} << 10;
// Pages are given back once so much has been read.
constexpr std::int64_t kReleaseBytes = std::int64_t{16} << 20;

template <class T>
std::span<const T> elements(std::span<const std::byte> bytes, std::int64_t first, std::size_t count) {
  // mapped_bytes() has seen to the alignment.
  return {static_cast<const T*>(static_cast<const void*>(bytes.data())) + first, count};
}

void widen(std::span<const std::byte> bytes, hdf5::Element element, std::int64_t first,
           std::span<float> out) {
  switch (element) {
    case hdf5::Element::f64:
      floats_from_f64(elements<double>(bytes, first, out.size()), out);
      break;
    case hdf5::Element::bf16:
      floats_from_bf16(elements<std::uint16_t>(bytes, first, out.size()), out);
      break;
    default:
      floats_from_f16(elements<std::uint16_t>(bytes, first, out.size()), out);
  }
}

// One head of a layer on its way to the sink.
class HeadStream {
 public:
  HeadStream(const LayerRows& layer, hdf5::Element element, std::string where,
             std::span<const std::byte> head_bytes, std::int64_t head, RowSink& sink)
      : layer_(layer),
        element_(element),
        where_(std::move(where)),
        bytes_(head_bytes),
        head_(head),
        sink_(sink) {}

  // Sends rows first ... end - 1 of the selection, which are neighbours in the file where the element is f32.
  void send(std::size_t first, std::size_t end) {
    const std::span<const std::int32_t> lengths = std::span(layer_.lengths).subspan(first, end - first);
    const std::span<const std::int64_t> numbers = std::span(layer_.rows).subspan(first, end - first);
    RowBlock block{layer_.layer, head_, nullptr, layer_.kv_len, lengths};
    if (element_ == hdf5::Element::f32) {
      block.scores = elements<float>(bytes_, numbers.front() * layer_.kv_len, 1).data();
    } else {
      block.stride = *std::max_element(lengths.begin(), lengths.end());
      buffer_.resize(static_cast<std::size_t>(block.stride) * lengths.size());
      for (std::size_t r = 0; r < lengths.size(); ++r)
        widen(bytes_, element_, numbers[r] * layer_.kv_len,
              std::span(buffer_).subspan(r * static_cast<std::size_t>(block.stride),
                                         static_cast<std::size_t>(lengths[r])));
      block.scores = buffer_.data();
    }
    require_finite(block, numbers, where_);
    sink_.add(block);
  }

 private:
  const LayerRows& layer_;
  hdf5::Element element_;
  std::string where_;
  std::span<const std::byte> bytes_;
  std::int64_t head_;
  RowSink& sink_;
  std::vector<float> buffer_;
};

// The end of the tile that begins with selected row `first`.
std::size_t tile_end(const LayerRows& layer, std::size_t first, bool neighbours) {
  std::int64_t floats = layer.lengths[first];
  std::size_t end = first + 1;
  for (; end < layer.rows.size(); ++end) {
    if (neighbours && layer.rows[end] != layer.rows[end - 1] + 1) break;
    floats += layer.lengths[end];
    if (floats * static_cast<std::int64_t>(sizeof(float)) > kTileBytes) break;
  }
  return end;
}

}  // namespace

std::optional<std::span<const std::byte>> mapped_bytes(const hdf5::Dataset& dataset, const MappedFile& file) {
  const std::optional<std::int64_t> offset = dataset.plain_offset();
  if (!offset) return std::nullopt;
  const std::int64_t size = dataset.size() * hdf5::size_of(dataset.element());
  const auto all = static_cast<std::int64_t>(file.bytes().size());
  // A file that is shorter than it says is HDF5's to refuse.
  if (*offset % hdf5::size_of(dataset.element()) != 0 || *offset > all || size > all - *offset)
    return std::nullopt;
  return file.bytes().subspan(static_cast<std::size_t>(*offset), static_cast<std::size_t>(size));
}

void stream_mapped_scores(const LayerRows& layer, const DumpHeader& header, const MappedFile& file,
                          std::span<const std::byte> bytes, RowSink& sink) {
  const hdf5::Dataset scores = layer.group.open_dataset("scores");
  const hdf5::Element element = scores.element();
  const std::string where = scores.where();
  const std::size_t per_head = bytes.size() / static_cast<std::size_t>(header.shape.num_heads);
  const std::int64_t row_bytes = layer.kv_len * hdf5::size_of(element);
  parallel_for(header.shape.num_heads, [&](std::int64_t head) {
    const std::span<const std::byte> own = bytes.subspan(static_cast<std::size_t>(head) * per_head, per_head);
    HeadStream stream(layer, element, where, own, head, sink);
    std::int64_t released = 0;
    for (std::size_t first = 0; first < layer.rows.size();) {
      const std::size_t end = tile_end(layer, first, element == hdf5::Element::f32);
      stream.send(first, end);
      const std::int64_t read = (layer.rows[end - 1] + 1) * row_bytes;
      if (read - released >= kReleaseBytes || end == layer.rows.size()) {
        file.release(
            own.subspan(static_cast<std::size_t>(released), static_cast<std::size_t>(read - released)));
        released = read;
      }
      first = end;
    }
  });
}

}  // namespace toptheta
