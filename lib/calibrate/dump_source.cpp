#include "calibrate/dump_source.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>

#include "core/error.hpp"
#include "core/utf8.hpp"

namespace toptheta {

namespace {

void require_same(const DumpHeader& first, const DumpHeader& other, const std::string& first_path,
                  const std::string& path) {
  const auto fail = [&](const char* what, const std::string& expected, const std::string& found) {
    throw InputError({.where = path,
                      .what = fmt::format("{} is not that of {}", what, first_path),
                      .expected = expected,
                      .found = found,
                      .next = "calibrate from dumps of one model, taken in one way"});
  };
  const auto shape_text = [](const ModelShape& shape) {
    return fmt::format("{} layers, {} query heads, {} KV heads of width {}", shape.num_layers,
                       shape.num_heads, shape.num_kv_heads, shape.head_dim);
  };
  ModelShape first_shape = first.shape;
  ModelShape shape = other.shape;
  if (first_shape.head_dim == 0 || shape.head_dim == 0) first_shape.head_dim = shape.head_dim = 0;
  if (first_shape != shape) fail("the model's shape", shape_text(first.shape), shape_text(other.shape));
  if (first.placement != other.placement)
    fail("the placement", std::string(name_of(first.placement)), std::string(name_of(other.placement)));
  if (first.sinks != other.sinks) {
    const auto sinks_text = [](const DumpHeader& header) {
      return header.sinks.empty() ? std::string("none")
                                  : fmt::format("{:.6g}", fmt::join(header.sinks, ", "));
    };
    fail("the sink logits", shortened(sinks_text(first)), shortened(sinks_text(other)));
  }
  if (first.topk_at_calibration != other.topk_at_calibration)
    fail("topk_at_calibration", fmt::format("{}", first.topk_at_calibration),
         fmt::format("{}", other.topk_at_calibration));
}

// Elements of one head, summed over layers.
std::int64_t weight_of(const DumpSample& sample) {
  std::int64_t elements = 0;
  for (const DumpLayer& layer : sample.layers)
    elements += layer.rows * sample.kv_len;
  return elements;
}

std::int64_t bytes_of(const DumpSample& sample) {
  std::int64_t bytes = 0;
  for (const DumpLayer& layer : sample.layers)
    bytes += layer.bytes;
  return bytes;
}

}  // namespace

DumpSource::DumpSource(std::vector<std::filesystem::path> paths) : paths_(std::move(paths)) {
  DumpHeader first;
  for (std::size_t file = 0; file < paths_.size(); ++file) {
    const DumpReader dump(paths_[file]);
    const DumpHeader& header = dump.header();
    if (file == 0) {
      first = header;
      description_ = {.shape = header.shape,
                      .row_content = header.placement,
                      .model = header.model,
                      .topk_at_calibration = header.topk_at_calibration,
                      .weights = {}};
    }
    require_same(first, header, paths_[0].string(), paths_[file].string());
    description_.shape.head_dim = std::max(description_.shape.head_dim, header.shape.head_dim);
    for (std::size_t sample = 0; sample < dump.samples().size(); ++sample) {
      places_.push_back({file, sample});
      description_.weights.push_back(weight_of(dump.samples()[sample]));
      description_.bytes.push_back(bytes_of(dump.samples()[sample]));
      rows_.push_back(0);
      for (const DumpLayer& layer : dump.samples()[sample].layers)
        rows_.back() += layer.rows;
    }
  }
}

ReadMemory DumpSource::memory() const {
  ReadMemory most;
  for (const auto& path : paths_)
    most.grow(DumpReader(path).memory());
  return most;
}

void DumpSource::on_read(ReadProgress progress) {
  progress_ = std::move(progress);
  if (reader_ != nullptr) reader_->on_read(progress_);
}

const DumpReader& DumpSource::open(const Place& place) {
  if (reader_ == nullptr || open_file_ != place.file) {
    reader_.reset();
    reader_ = std::make_unique<DumpReader>(paths_[place.file]);
    if (memory_limit_) reader_->limit_memory(*memory_limit_);
    reader_->on_read(progress_);
    open_file_ = place.file;
  }
  if (place.sample >= reader_->samples().size())
    throw InputError({.where = paths_[place.file].string(),
                      .what = "the file has fewer samples than when the run began",
                      .next = "leave dumps unchanged while they are read"});
  return *reader_;
}

std::vector<std::int32_t> DumpSource::lengths(std::int64_t sample) {
  const Place& place = places_.at(static_cast<std::size_t>(sample));
  return sample_lengths(open(place), place.sample);
}

void DumpSource::stream(std::int64_t sample, std::span<const std::int32_t> lengths,
                        [[maybe_unused]] std::int64_t topk, RowSink& sink) {
  assert(topk == 0);
  const Place& place = places_.at(static_cast<std::size_t>(sample));
  stream_sample(open(place), place.sample, lengths, sink);
}

std::vector<std::int32_t> sample_lengths(const DumpReader& dump, std::size_t sample) {
  std::vector<std::int32_t> lengths;
  for (const DumpLayer& layer : dump.samples()[sample].layers) {
    const std::vector<std::int32_t> positions = dump.row_positions(sample, layer.layer);
    lengths.insert(lengths.end(), positions.begin(), positions.end());
    std::sort(lengths.begin(), lengths.end());
    lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  }
  for (std::int32_t& length : lengths)
    ++length;
  return lengths;
}

void stream_sample(const DumpReader& dump, std::size_t sample, std::span<const std::int32_t> lengths,
                   RowSink& sink) {
  std::vector<bool> wanted(lengths.empty() ? 0 : static_cast<std::size_t>(lengths.back()) + 1, false);
  for (const std::int32_t length : lengths)
    wanted[static_cast<std::size_t>(length)] = true;
  std::vector<LayerSelection> selection;
  for (const DumpLayer& layer : dump.samples()[sample].layers) {
    selection.push_back({layer.layer, std::nullopt});
    if (lengths.empty()) continue;
    const std::vector<std::int32_t> positions = dump.row_positions(sample, layer.layer);
    std::vector<std::int64_t>& rows = selection.back().rows.emplace();
    for (std::size_t r = 0; r < positions.size(); ++r) {
      const std::size_t length = static_cast<std::size_t>(positions[r]) + 1;
      if (length < wanted.size() && wanted[length]) rows.push_back(static_cast<std::int64_t>(r));
    }
  }
  dump.stream(sample, selection, sink);
}

}  // namespace toptheta
