#include "dump/chunked_scores.hpp"

#include <algorithm>
#include <cstring>

#include "dump/written.hpp"

namespace toptheta {

namespace {

using hdf5::ChunkedDataset;
using hdf5::Element;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

class ChunkedScores final : public DirectScores {
 public:
  ChunkedScores(const LayerRows& layer, ChunkedDataset scores, std::int64_t thread_bytes,
                Pool<ChunkScratch>& scratch)
      : layer_(layer),
        scores_(std::move(scores)),
        element_(scores_.dataset().element()),
        width_(hdf5::size_of(element_)),
        heads_(scores_.dataset().dims()[0]),
        where_(scores_.dataset().where()),
        scratch_(scratch) {
    const ChunkMemory memory = chunk_memory(scores_);
    if (memory.best <= thread_bytes) return;
    // Besides the band, a thread holds one chunk as stored, inflated and decoded.
    const std::int64_t row = band_row_bytes();
    const std::int64_t rows = std::max<std::int64_t>(1, (thread_bytes - memory.least) / row + 1);
    band_rows_ = std::min(rows, scores_.chunk()[1]);
    band_heads_ = std::clamp<std::int64_t>(rows / band_rows_, 1, scores_.chunk()[0]);
  }

  [[nodiscard]] std::vector<Lane> lanes(bool order_free) const override {
    std::vector<Lane> lanes;
    for (std::int64_t head = 0; head < heads_;) {
      const std::int64_t end_head = end_of_band(head, scores_.chunk()[0], band_heads_, heads_);
      for (std::size_t first = 0; first < layer_.rows.size();) {
        const std::size_t end = order_free ? band_end(first) : layer_.rows.size();
        lanes.push_back({first, end, head, end_head});
        first = end;
      }
      head = end_head;
    }
    return lanes;
  }

  [[nodiscard]] std::int64_t row_bytes() const override { return layer_.kv_len * width_; }

  void send(const Lane& lane, RowSink& sink) const override {
    scratch_.lend([&](ChunkScratch& scratch) {
      for (std::size_t first = lane.first; first < lane.end;) {
        const std::size_t end = std::min(band_end(first), lane.end);
        send_band({first, end, lane.first_head, lane.end_head}, scratch, sink);
        first = end;
      }
    });
  }

 private:
  // The bytes that a row of one head takes in a band.
  [[nodiscard]] std::int64_t band_row_bytes() const {
    return ceil_div(layer_.kv_len, scores_.chunk()[2]) * scores_.chunk()[2] * width_;
  }
  // Where the band that starts at `begin` ends: at the end of its chunk, or after `most` if that is not 0.
  static std::int64_t end_of_band(std::int64_t begin, std::int64_t chunk, std::int64_t most,
                                  std::int64_t all) {
    const std::int64_t end = std::min(all, (begin / chunk + 1) * chunk);
    return most > 0 ? std::min(end, begin + most) : end;
  }
  [[nodiscard]] std::size_t band_end(std::size_t first) const {
    const std::int64_t limit =
        end_of_band(layer_.rows[first], scores_.chunk()[1], band_rows_, scores_.dataset().dims()[1]);
    const auto end =
        std::lower_bound(layer_.rows.begin() + static_cast<std::ptrdiff_t>(first), layer_.rows.end(), limit);
    return static_cast<std::size_t>(end - layer_.rows.begin());
  }

  void send_band(const Lane& band, ChunkScratch& scratch, RowSink& sink) const {
    const std::int64_t keys =
        *std::max_element(layer_.lengths.begin() + static_cast<std::ptrdiff_t>(band.first),
                          layer_.lengths.begin() + static_cast<std::ptrdiff_t>(band.end));
    const bool whole = band_rows_ == 0;
    const std::int64_t chunk_row = layer_.rows[band.first] / scores_.chunk()[1] * scores_.chunk()[1];
    const std::int64_t first_row = whole ? chunk_row : layer_.rows[band.first];
    const std::int64_t rows =
        whole ? scores_.chunk()[1] : layer_.rows[band.end - 1] + 1 - layer_.rows[band.first];
    const std::int64_t chunk_head = band.first_head / scores_.chunk()[0] * scores_.chunk()[0];
    const std::int64_t heads = whole ? scores_.chunk()[0] : band.end_head - band.first_head;
    const std::int64_t key_bytes = scores_.chunk()[2] * width_;
    const std::int64_t piece_bytes = heads * rows * key_bytes;
    const std::int64_t count = ceil_div(keys, scores_.chunk()[2]);
    reserve(scratch.band, count * piece_bytes);
    scratch.pieces.assign(static_cast<std::size_t>(count), {});
    for (std::int64_t i = 0; i < count; ++i) {
      const std::span<std::byte> out =
          std::span(scratch.band)
              .subspan(static_cast<std::size_t>(i * piece_bytes), static_cast<std::size_t>(piece_bytes));
      const hdf5::Dims place{chunk_head, chunk_row, i * scores_.chunk()[2]};
      if (whole)
        scratch.decoder.read(scores_, place, out);
      else
        read_part(place, band.first_head - chunk_head, heads, first_row - chunk_row, rows, scratch, out);
      scratch.pieces[static_cast<std::size_t>(i)] = {out.data(), first_row, key_bytes};
    }
    for (std::int64_t head = band.first_head; head < band.end_head; ++head) {
      scratch.sender.send(layer_, element_, where_, head, band.first, band.end,
                          {scratch.pieces, scores_.chunk()[2]}, sink);
      for (KeyPiece& piece : scratch.pieces)
        piece.rows += rows * key_bytes;
    }
  }

  // Decodes a chunk, unless it is the one that was decoded last, and copies some of its heads and rows,
  // numbered from the chunk's first.
  void read_part(const hdf5::Dims& place, std::int64_t first_head, std::int64_t heads, std::int64_t first_row,
                 std::int64_t rows, ChunkScratch& scratch, std::span<std::byte> out) const {
    reserve(scratch.chunk, scores_.chunk_bytes());
    const std::span<std::byte> chunk =
        std::span(scratch.chunk).first(static_cast<std::size_t>(scores_.chunk_bytes()));
    if (scratch.chunk_of != this || scratch.chunk_place != place) {
      scratch.chunk_of = nullptr;
      scratch.decoder.read(scores_, place, chunk);
      scratch.chunk_of = this;
      scratch.chunk_place = place;
    }
    const std::int64_t key_bytes = scores_.chunk()[2] * width_;
    for (std::int64_t head = 0; head < heads; ++head)
      std::memcpy(out.data() + head * rows * key_bytes,
                  chunk.data() + ((first_head + head) * scores_.chunk()[1] + first_row) * key_bytes,
                  static_cast<std::size_t>(rows * key_bytes));
  }

  static void reserve(std::vector<std::byte>& memory, std::int64_t bytes) {
    if (memory.size() < static_cast<std::size_t>(bytes)) memory.resize(static_cast<std::size_t>(bytes));
  }

  const LayerRows& layer_;
  ChunkedDataset scores_;
  Element element_;
  std::int64_t width_;
  std::int64_t heads_;
  std::string where_;
  Pool<ChunkScratch>& scratch_;
  std::int64_t band_rows_ = 0;  // of a band; 0: all rows and heads of a chunk
  std::int64_t band_heads_ = 0;
};

}  // namespace

ChunkMemory chunk_memory(const ChunkedDataset& scores) {
  const hdf5::Dims& dims = scores.dataset().dims();
  const std::int64_t across = ceil_div(dims[2], scores.chunk()[2]);
  const std::int64_t row = across * scores.chunk()[2] * hdf5::size_of(scores.dataset().element());
  const std::int64_t floats = std::max(kTileBytes, dims[2] * static_cast<std::int64_t>(sizeof(float)));
  // A chunk as stored and, where it was also shuffled, inflated.
  const std::size_t filters = scores.filters().size();
  const std::int64_t raw = (filters > 0 ? std::min(scores.chunk_bytes(), scores.all_stored_bytes()) : 0) +
                           (filters > 1 ? scores.chunk_bytes() : 0);
  return {raw + scores.chunk_bytes() + row + floats, raw + across * scores.chunk_bytes() + floats};
}

std::unique_ptr<DirectScores> chunked_scores(const LayerRows& layer, std::int64_t thread_bytes,
                                             Pool<ChunkScratch>& scratch) {
  auto scores = ChunkedDataset::of(layer.group.open_dataset("scores"));
  if (!scores) return nullptr;
  require_written_scores(layer, scores->dataset());
  return std::make_unique<ChunkedScores>(layer, std::move(*scores), thread_bytes, scratch);
}

}  // namespace toptheta
