#include "dump/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "dump/chunked_scores.hpp"
#include "dump/mapped_scores.hpp"
#include "dump/read_memory.hpp"
#include "dump/score_lanes.hpp"
#include "dump/stream.hpp"
#include "dump/structure.hpp"
#include "io/hdf5.hpp"
#include "io/mapped_file.hpp"

namespace toptheta {

namespace {

// Adds to each block the sink logit of its head.
class WithSinks final : public RowSink {
 public:
  WithSinks(const DumpHeader& header, RowSink& sink) : header_(header), sink_(sink) {}
  void add(const RowBlock& block) override {
    RowBlock own = block;
    own.sink = header_.sinks[static_cast<std::size_t>(block.layer * header_.shape.num_heads + block.head)];
    sink_.add(own);
  }
  [[nodiscard]] bool is_order_free() const override { return sink_.is_order_free(); }

 private:
  const DumpHeader& header_;
  RowSink& sink_;
};

// Of a dump that was written live: how many samples its writer called complete. All of any other dump.
std::int64_t complete_samples(const hdf5::Group& root) {
  constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
  if (!root.has("progress")) return kAll;
  const hdf5::Dataset dataset = root.open_dataset("progress");
  if (dataset.dims() != hdf5::Dims{2} || !hdf5::is_integer(dataset.element())) return kAll;
  const std::vector<std::int64_t> progress = dataset.read<std::int64_t>();
  if (progress[1] != 1)
    throw InputError({.where = dataset.where(),
                      .what = "the writer of this live dump has not ended",
                      .expected = "1 as its second number",
                      .found = fmt::format("{}, with {} complete samples", progress[1], progress[0]),
                      .next = "read it with fit --follow; if its writer died, write the dump again"});
  return progress[0];
}

}  // namespace

struct DumpReader::Impl {
  std::string path;
  hdf5::File file;
  DumpStructure structure;
  std::optional<MappedFile> mapping{};  // of scores
  std::optional<std::int64_t> limit{};  // of memory
  std::function<void(std::int64_t)> progress{};

  explicit Impl(const std::filesystem::path& name)
      : path(name.string()),
        file(hdf5::File::open(name)),
        structure(read_structure(file.root(), complete_samples(file.root()))) {
    if (structure.header.content == DumpContent::scores) mapping.emplace(name);
  }
  // Not mapped, because the file grows.
  Impl(const std::filesystem::path& name, hdf5::File live, std::int64_t complete)
      : path(name.string()), file(std::move(live)), structure(read_structure(file.root(), complete)) {}

  [[nodiscard]] hdf5::Group sample_group(std::size_t sample) const {
    return file.root().open_group("samples").open_group(structure.samples.at(sample).name);
  }

  // The layer with the given rows, or all of them where `rows` is null.
  [[nodiscard]] LayerRows layer_rows(std::size_t sample, std::int64_t layer,
                                     const std::span<const std::int64_t>* rows) const {
    const DumpSample& entry = structure.samples.at(sample);
    for (std::size_t i = 0; i < entry.layers.size(); ++i) {
      if (entry.layers[i].layer != layer) continue;
      const std::string& link = structure.layer_links[sample][i];
      LayerRows result{.group = sample_group(sample).open_group("layers").open_group(link),
                       .layer = layer,
                       .kv_len = entry.kv_len,
                       .rows = {},
                       .lengths = {}};
      select_rows(result, entry.layers[i].rows, rows);
      return result;
    }
    throw std::out_of_range("DumpReader: the sample does not hold this layer");
  }

  static void select_rows(LayerRows& layer, std::int64_t count, const std::span<const std::int64_t>* rows) {
    if (rows == nullptr) {
      layer.rows.resize(static_cast<std::size_t>(count));
      std::iota(layer.rows.begin(), layer.rows.end(), std::int64_t{0});
    } else {
      layer.rows.assign(rows->begin(), rows->end());
    }
    const std::vector<std::int32_t> positions = read_positions(layer.group, count, layer.kv_len);
    std::int64_t previous = -1;
    for (const std::int64_t row : layer.rows) {
      if (row <= previous || row >= count)
        throw std::out_of_range("DumpReader: selected rows must be ascending numbers of rows that are there");
      previous = row;
      layer.lengths.push_back(positions[static_cast<std::size_t>(row)] + 1);
    }
  }

  void stream(const std::vector<LayerRows>& layers, RowSink& sink) const {
    Pool<TileSender> senders;
    Pool<ChunkScratch> scratch;
    std::vector<std::unique_ptr<DirectScores>> direct;
    std::vector<const LayerRows*> others;  // these are read by the HDF5 library
    ReadMemory memory{.least = 1};
    for (const LayerRows& layer : layers)
      memory.grow(read_memory(layer.group, structure.header, mapping.has_value(), 1));
    const std::int64_t buffer_bytes = limit.value_or(memory.usual());
    const std::int64_t least = memory.least;
    const auto threads = static_cast<int>(std::clamp<std::int64_t>(buffer_bytes / least, 1, thread_count()));
    for (const LayerRows& layer : layers) {
      std::unique_ptr<DirectScores> scores;
      if (mapping) scores = map_scores(layer, structure.header.shape.num_heads, *mapping, senders);
      if (mapping && !scores) scores = chunked_scores(layer, buffer_bytes / threads, scratch);
      if (scores)
        direct.push_back(std::move(scores));
      else
        others.push_back(&layer);
    }
    stream_lanes(direct, threads, sink, progress);
    for (const LayerRows* layer : others)
      stream_by_library(*layer, buffer_bytes, sink);
  }

  void stream_by_library(const LayerRows& layer, std::int64_t buffer_bytes, RowSink& sink) const {
    const BlockMemory memory = block_memory(buffer_bytes, kBlockBytes);
    if (structure.header.content == DumpContent::qk)
      stream_queries_keys(layer, structure.header, memory.block, sink);
    else
      stream_scores(layer, structure.header, memory.block, memory.cache, sink);
    if (progress) progress(bytes_of(layer));
  }

  [[nodiscard]] std::int64_t bytes_of(const LayerRows& layer) const {
    if (structure.header.content == DumpContent::scores) {
      const hdf5::Dataset scores = layer.group.open_dataset("scores");
      return static_cast<std::int64_t>(layer.rows.size()) * layer.kv_len * structure.header.shape.num_heads *
             hdf5::size_of(scores.element());
    }
    const hdf5::Dataset q = layer.group.open_dataset("q");
    const hdf5::Dataset k = layer.group.open_dataset("k");
    return q.size() * hdf5::size_of(q.element()) + k.size() * hdf5::size_of(k.element());
  }

  [[nodiscard]] ReadMemory memory() const {
    ReadMemory most;
    for (std::size_t sample = 0; sample < structure.samples.size(); ++sample) {
      const hdf5::Group layers = sample_group(sample).open_group("layers");
      for (const std::string& link : structure.layer_links[sample]) {
        most.grow(
            read_memory(layers.open_group(link), structure.header, mapping.has_value(), thread_count()));
      }
    }
    return most;
  }
};

void ReadMemory::grow(const ReadMemory& other) {
  least = std::max(least, other.least);
  once = std::max(once, other.once);
  best = std::max(best, other.best);
}

std::int64_t ReadMemory::usual() const {
  return std::max(DumpReader::kBufferBytes, std::min(once, DumpReader::kOnceBytes));
}

DumpReader::DumpReader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {}
DumpReader::DumpReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DumpReader DumpReader::open_live(const std::filesystem::path& path, std::int64_t complete) {
  return DumpReader(std::make_unique<Impl>(path, hdf5::File::open_live(path), complete));
}
DumpReader::DumpReader(DumpReader&&) noexcept = default;
DumpReader& DumpReader::operator=(DumpReader&&) noexcept = default;
DumpReader::~DumpReader() = default;

void DumpReader::limit_memory(std::int64_t bytes) {
  impl_->limit = bytes;
}

ReadMemory DumpReader::memory() const {
  return impl_->memory();
}

void DumpReader::on_read(std::function<void(std::int64_t bytes)> progress) {
  impl_->progress = std::move(progress);
}

const std::string& DumpReader::path() const {
  return impl_->path;
}

const DumpHeader& DumpReader::header() const {
  return impl_->structure.header;
}

const std::vector<DumpSample>& DumpReader::samples() const {
  return impl_->structure.samples;
}

std::vector<std::int32_t> DumpReader::row_positions(std::size_t sample, std::int64_t layer) const {
  std::vector<std::int32_t> positions = impl_->layer_rows(sample, layer, nullptr).lengths;
  for (std::int32_t& position : positions)
    --position;
  return positions;
}

std::vector<std::int32_t> DumpReader::tokens(std::size_t sample) const {
  const hdf5::Group group = impl_->sample_group(sample);
  return group.has("tokens") ? group.open_dataset("tokens").read<std::int32_t>()
                             : std::vector<std::int32_t>();
}

void DumpReader::stream(std::size_t sample, std::int64_t layer, RowSink& sink) const {
  const LayerSelection all{layer, std::nullopt};
  stream(sample, {&all, 1}, sink);
}

void DumpReader::stream_selected(std::size_t sample, std::int64_t layer, std::span<const std::int64_t> rows,
                                 RowSink& sink) const {
  const LayerSelection some{layer, std::vector<std::int64_t>(rows.begin(), rows.end())};
  stream(sample, {&some, 1}, sink);
}

void DumpReader::stream(std::size_t sample, std::span<const LayerSelection> selection, RowSink& sink) const {
  std::vector<LayerRows> layers;
  layers.reserve(selection.size());
  for (const LayerSelection& one : selection) {
    const std::span<const std::int64_t> rows =
        one.rows ? std::span(*one.rows) : std::span<const std::int64_t>();
    layers.push_back(impl_->layer_rows(sample, one.layer, one.rows ? &rows : nullptr));
  }
  if (header().sinks.empty()) return impl_->stream(layers, sink);
  WithSinks with_sinks(header(), sink);
  impl_->stream(layers, with_sinks);
}

}  // namespace toptheta
