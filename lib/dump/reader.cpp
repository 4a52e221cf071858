#include "dump/reader.hpp"

#include <numeric>
#include <optional>
#include <stdexcept>

#include "dump/mapped_scores.hpp"
#include "dump/stream.hpp"
#include "dump/structure.hpp"
#include "io/hdf5.hpp"
#include "io/mapped_file.hpp"

namespace toptheta {

struct DumpReader::Impl {
  std::string path;
  hdf5::File file;
  DumpStructure structure;
  std::optional<MappedFile> mapping{};  // of scores

  explicit Impl(const std::filesystem::path& name)
      : path(name.string()), file(hdf5::File::open(name)), structure(read_structure(file.root())) {
    if (structure.header.content == DumpContent::scores) mapping.emplace(name);
  }
  // Not mapped: the file grows.
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

  void stream(const LayerRows& layer, RowSink& sink) const {
    if (mapping) {
      const auto bytes = mapped_bytes(layer.group.open_dataset("scores"), *mapping);
      if (bytes) return stream_mapped_scores(layer, structure.header, *mapping, *bytes, sink);
    }
    const auto& one = structure.header.content == DumpContent::scores ? stream_scores : stream_queries_keys;
    one(layer, structure.header, kBlockBytes, sink);
  }
};

DumpReader::DumpReader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {}
DumpReader::DumpReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DumpReader DumpReader::open_live(const std::filesystem::path& path, std::int64_t complete) {
  return DumpReader(std::make_unique<Impl>(path, hdf5::File::open_live(path), complete));
}
DumpReader::DumpReader(DumpReader&&) noexcept = default;
DumpReader& DumpReader::operator=(DumpReader&&) noexcept = default;
DumpReader::~DumpReader() = default;

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
  impl_->stream(impl_->layer_rows(sample, layer, nullptr), sink);
}

void DumpReader::stream_selected(std::size_t sample, std::int64_t layer, std::span<const std::int64_t> rows,
                                 RowSink& sink) const {
  impl_->stream(impl_->layer_rows(sample, layer, &rows), sink);
}

}  // namespace toptheta
