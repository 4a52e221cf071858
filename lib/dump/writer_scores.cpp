#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "dump/element.hpp"
#include "dump/writer_impl.hpp"

namespace toptheta {

namespace {

// The number of the block's rows that the sample records.
std::int64_t recorded_rows(const OpenSample& sample, const RowBlock& block) {
  std::int64_t count = 0;
  for (std::int64_t r = 0; r < block.rows(); ++r) {
    const auto length = static_cast<std::int64_t>(block.row(r).size());
    if (length < 1 || block.first_key(r) + length > sample.info.kv_len)
      throw std::logic_error(
          fmt::format("DumpWriter: a row of length {} in a sample of {} keys", length, sample.info.kv_len));
    if (sample.row_of[static_cast<std::size_t>(block.first_key(r) + length - 1)] >= 0) ++count;
  }
  return count;
}

std::string where_of(const OpenSample& sample, std::int64_t layer) {
  return fmt::format("{}/{}/scores", sample.layers.where(), layer);
}

}  // namespace

void ScoreRecorder::add(OpenSample& sample, const RowBlock& block) {
  const std::int64_t rows = recorded_rows(sample, block);
  if (rows == 0) return;
  {
    const std::lock_guard lock(mutex_);
    enter_layer(sample, block, rows);
  }
  collect(sample, block);
  const std::lock_guard lock(mutex_);
  layer_->rows_missing -= rows;
  if (layer_->rows_missing == 0) store_layer(sample);
}

void ScoreRecorder::enter_layer(const OpenSample& sample, const RowBlock& block, std::int64_t rows) {
  const std::int64_t heads = header_.shape.num_heads;
  if (layer_ && layer_->number != block.layer) require_complete();
  if (!layer_) {
    sample.require_open(block.layer, header_.shape);
    layer_ = Layer{.number = block.layer,
                   .rows_added = std::vector<std::int64_t>(static_cast<std::size_t>(heads), 0),
                   .rows_missing = heads * sample.rows()};
  }
  if (block.head < 0 || block.head >= heads)
    throw std::logic_error(fmt::format("DumpWriter: the model has no query head {}", block.head));
  std::int64_t& added = layer_->rows_added[static_cast<std::size_t>(block.head)];
  added += rows;
  if (added > sample.rows())
    throw std::logic_error(
        fmt::format("DumpWriter: too many rows of layer {}, head {}", block.layer, block.head));
}

void ScoreRecorder::collect(const OpenSample& sample, const RowBlock& block) {
  const DumpElement element = options_.element;
  const std::int64_t row_bytes = sample.info.kv_len * size_of(element);
  const bool is_logit = header_.placement == Placement::pre_softmax;
  const float padding = is_logit ? -std::numeric_limits<float>::infinity() : 0.0F;
  std::vector<std::byte> bytes;  // encoded rows that are consecutive in the data set
  std::int64_t next_row = -1;    // the row that would follow them
  const auto flush = [&] {
    const std::int64_t first_row = next_row - static_cast<std::int64_t>(bytes.size()) / row_bytes;
    spool_.write((block.head * sample.rows() + first_row) * row_bytes, bytes);
    bytes.clear();
  };
  for (std::int64_t r = 0; r < block.rows(); ++r) {
    const std::span<const float> scores = block.row(r);
    const auto first_key = static_cast<std::size_t>(block.first_key(r));
    const std::size_t end = first_key + scores.size();
    const std::int32_t row = sample.row_of[end - 1];
    if (row < 0) continue;
    if (row != next_row || static_cast<std::int64_t>(bytes.size()) + row_bytes > kPieceBytes) flush();
    bytes.resize(bytes.size() + static_cast<std::size_t>(row_bytes));
    const std::span<std::byte> encoded = std::span(bytes).last(static_cast<std::size_t>(row_bytes));
    const auto size = static_cast<std::size_t>(size_of(element));
    encode_padding(padding, element, encoded.first(first_key * size));
    if (const auto wrong = encode(scores, element, encoded.subspan(first_key * size, scores.size() * size))) {
      fail_value(where_of(sample, block.layer), scores[*wrong], element,
                 fmt::format("head {}, query position {}, key position {}", block.head, end - 1,
                             first_key + *wrong));
    }
    encode_padding(padding, element, encoded.subspan(end * size));
    next_row = row + 1;
  }
  flush();
}

void ScoreRecorder::store_layer(OpenSample& sample) {
  const std::int64_t heads = header_.shape.num_heads;
  const std::int64_t rows = sample.rows();
  const std::int64_t kv_len = sample.info.kv_len;
  const std::int64_t row_bytes = kv_len * size_of(options_.element);
  hdf5::Group group = sample.create_layer(layer_->number);
  hdf5::Dataset scores = create_matrices(group, "scores", {heads, rows, kv_len}, options_);
  // Whole chunks at a time, so that each is compressed only once.
  std::int64_t step = std::max<std::int64_t>(1, kPieceBytes / row_bytes);
  if (const hdf5::Dims chunk = scores.chunk(); !chunk.empty())
    step = std::max(chunk[1], step - step % chunk[1]);
  std::vector<std::byte> bytes;
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int64_t first = 0; first < rows; first += step) {
      const std::int64_t count = std::min(step, rows - first);
      bytes.resize(static_cast<std::size_t>(count * row_bytes));
      spool_.read((head * rows + first) * row_bytes, bytes);
      scores.write_raw({{head, first, 0}, {1, count, kv_len}}, bytes);
    }
  }
  scores.flush();
  sample.finished.insert(layer_->number);
  layer_.reset();
}

void ScoreRecorder::require_complete() const {
  if (layer_)
    throw std::logic_error(
        fmt::format("DumpWriter: layer {} still lacks {} rows", layer_->number, layer_->rows_missing));
}

}  // namespace toptheta
