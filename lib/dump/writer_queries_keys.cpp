#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "dump/element.hpp"
#include "dump/writer_impl.hpp"

namespace toptheta {

void QueryKeyRecorder::add(OpenSample& sample, const QueriesKeys& inputs) {
  Layer& layer = enter_layer(sample, inputs);
  store_queries(sample, inputs, layer);
  store(layer.k, inputs.k, inputs.rows, inputs.first_position, inputs.first_position);
  if (layer.v) store(*layer.v, inputs.v, inputs.rows, inputs.first_position, inputs.first_position);
  layer.next_position += inputs.rows;
  if (layer.next_position < sample.info.kv_len) return;
  layer.q.flush();
  layer.k.flush();
  if (layer.v) layer.v->flush();
  open_.erase(inputs.layer);
  sample.finished.insert(inputs.layer);
}

QueryKeyRecorder::Layer& QueryKeyRecorder::enter_layer(OpenSample& sample, const QueriesKeys& inputs) {
  sample.require_open(inputs.layer, header_.shape);
  auto found = open_.find(inputs.layer);
  if (found == open_.end()) {
    const ModelShape& shape = header_.shape;
    const hdf5::Dims key_dims = {shape.num_kv_heads, sample.info.kv_len, shape.head_dim};
    hdf5::Group group = sample.create_layer(inputs.layer);
    hdf5::Dataset q = create_matrices(group, "q", {shape.num_heads, sample.rows(), shape.head_dim}, options_);
    hdf5::Dataset k = create_matrices(group, "k", key_dims, options_);
    std::optional<hdf5::Dataset> v;
    if (inputs.v != nullptr) v.emplace(create_matrices(group, "v", key_dims, options_));
    found = open_.emplace(inputs.layer, Layer{std::move(q), std::move(k), std::move(v), 0}).first;
  }
  Layer& layer = found->second;
  if (inputs.first_position != layer.next_position || inputs.rows > sample.info.kv_len - layer.next_position)
    throw std::logic_error(
        fmt::format("DumpWriter: layer {} continues at position {}", inputs.layer, layer.next_position));
  if (layer.v.has_value() != (inputs.v != nullptr))
    throw std::logic_error("DumpWriter: values must come with every piece of a layer or with none");
  return layer;
}

void QueryKeyRecorder::store_queries(const OpenSample& sample, const QueriesKeys& inputs,
                                     Layer& layer) const {
  const std::int64_t position_floats = header_.shape.num_heads * header_.shape.head_dim;
  const auto row_at = [&](std::int64_t r) {
    return sample.row_of[static_cast<std::size_t>(inputs.first_position + r)];
  };
  // Runs of recorded positions, whose rows are consecutive too.
  for (std::int64_t r = 0; r < inputs.rows;) {
    std::int64_t end = r;
    while (end < inputs.rows && row_at(end) >= 0)
      ++end;
    if (end > r)
      store(layer.q, inputs.q + r * position_floats, end - r, row_at(r), inputs.first_position + r);
    r = std::max(end, r + 1);
  }
}

void QueryKeyRecorder::store(hdf5::Dataset& dataset, const float* values, std::int64_t rows,
                             std::int64_t first_row, std::int64_t first_position) const {
  const std::int64_t heads = dataset.dims()[0];
  const std::int64_t head_dim = dataset.dims()[2];
  const auto row_bytes = static_cast<std::size_t>(head_dim * size_of(options_.element));
  const std::int64_t step = std::max<std::int64_t>(1, kPieceBytes / static_cast<std::int64_t>(row_bytes));
  std::vector<std::byte> bytes;
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int64_t first = 0; first < rows; first += step) {
      const std::int64_t count = std::min(step, rows - first);
      bytes.resize(static_cast<std::size_t>(count) * row_bytes);
      for (std::int64_t r = 0; r < count; ++r) {
        const std::span<const float> row(values + ((first + r) * heads + head) * head_dim,
                                         static_cast<std::size_t>(head_dim));
        const auto out = std::span(bytes).subspan(static_cast<std::size_t>(r) * row_bytes, row_bytes);
        if (const auto wrong = encode(row, options_.element, out)) {
          fail_value(
              dataset.where(), row[*wrong], options_.element,
              fmt::format("head {}, position {}, dimension {}", head, first_position + first + r, *wrong));
        }
      }
      dataset.write_raw({{head, first_row + first, 0}, {1, count, head_dim}}, bytes);
    }
  }
}

void QueryKeyRecorder::require_complete() const {
  if (open_.empty()) return;
  throw std::logic_error(fmt::format("DumpWriter: layer {} ends at position {}", open_.begin()->first,
                                     open_.begin()->second.next_position));
}

}  // namespace toptheta
