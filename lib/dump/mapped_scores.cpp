#include "dump/mapped_scores.hpp"

#include <optional>

namespace toptheta {

namespace {

std::optional<std::span<const std::byte>> mapped_bytes(const hdf5::Dataset& dataset, const MappedFile& file) {
  const std::optional<std::int64_t> offset = dataset.plain_offset();
  if (!offset) return std::nullopt;
  const std::int64_t size = dataset.size() * hdf5::size_of(dataset.element());
  const auto all = static_cast<std::int64_t>(file.bytes().size());
  // Where the file is shorter than it says, HDF5 reads it and refuses it.
  if (*offset % hdf5::size_of(dataset.element()) != 0 || *offset > all || size > all - *offset)
    return std::nullopt;
  return file.bytes().subspan(static_cast<std::size_t>(*offset), static_cast<std::size_t>(size));
}

class MappedScores final : public DirectScores {
 public:
  MappedScores(const LayerRows& layer, std::int64_t num_heads, const hdf5::Dataset& scores,
               std::span<const std::byte> bytes, const MappedFile& file, Pool<TileSender>& senders)
      : layer_(layer),
        num_heads_(num_heads),
        element_(scores.element()),
        where_(scores.where()),
        bytes_(bytes),
        file_(file),
        senders_(senders) {}

  [[nodiscard]] std::vector<Lane> lanes(bool order_free) const override {
    std::vector<Lane> lanes;
    for (std::int64_t head = 0; head < num_heads_; ++head)
      for (std::size_t first = 0; first < layer_.rows.size();) {
        const std::size_t end = order_free ? stretch_end(first) : layer_.rows.size();
        lanes.push_back({first, end, head, head + 1});
        first = end;
      }
    return lanes;
  }

  [[nodiscard]] std::int64_t row_bytes() const override { return layer_.kv_len * hdf5::size_of(element_); }

  void send(const Lane& lane, RowSink& sink) const override {
    const std::size_t per_head = bytes_.size() / static_cast<std::size_t>(num_heads_);
    const std::span<const std::byte> head =
        bytes_.subspan(static_cast<std::size_t>(lane.first_head) * per_head, per_head);
    const KeyPiece piece{head.data(), 0, row_bytes()};
    for (std::size_t first = lane.first; first < lane.end;) {
      const std::size_t end = std::min(stretch_end(first), lane.end);
      senders_.lend([&](TileSender& sender) {
        sender.send(layer_, element_, where_, lane.first_head, first, end, {{&piece, 1}, layer_.kv_len},
                    sink);
      });
      const auto begin = static_cast<std::size_t>(layer_.rows[first] * row_bytes());
      file_.release(
          head.subspan(begin, static_cast<std::size_t>((layer_.rows[end - 1] + 1) * row_bytes()) - begin));
      first = end;
    }
  }

 private:
  // The end of the rows that are read together, starting with selected row `first`.
  [[nodiscard]] std::size_t stretch_end(std::size_t first) const {
    const std::int64_t most = std::max<std::int64_t>(1, kStretchBytes / row_bytes());
    std::size_t end = first + 1;
    while (end < layer_.rows.size() && layer_.rows[end] - layer_.rows[first] < most)
      ++end;
    return end;
  }

  const LayerRows& layer_;
  std::int64_t num_heads_;
  hdf5::Element element_;
  std::string where_;
  std::span<const std::byte> bytes_;
  const MappedFile& file_;
  Pool<TileSender>& senders_;
};

}  // namespace

std::unique_ptr<DirectScores> map_scores(const LayerRows& layer, std::int64_t num_heads,
                                         const MappedFile& file, Pool<TileSender>& senders) {
  const hdf5::Dataset scores = layer.group.open_dataset("scores");
  const auto bytes = mapped_bytes(scores, file);
  if (!bytes) return nullptr;
  return std::make_unique<MappedScores>(layer, num_heads, scores, *bytes, file, senders);
}

}  // namespace toptheta
