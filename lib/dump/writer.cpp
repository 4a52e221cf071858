#include "dump/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "core/error.hpp"
#include "dump/element.hpp"
#include "dump/writer_impl.hpp"

namespace toptheta {

namespace {

hdf5::Group create_samples(const hdf5::File& file, const DumpHeader& header) {
  hdf5::Group root = file.root();
  root.write_attribute("format", kDumpFormat);
  root.write_attribute("version", std::int64_t{1});
  root.write_attribute("content", name_of(header.content));
  if (header.content == DumpContent::scores) root.write_attribute("placement", name_of(header.placement));
  root.write_attribute("num_layers", header.shape.num_layers);
  root.write_attribute("num_heads", header.shape.num_heads);
  root.write_attribute("num_kv_heads", header.shape.num_kv_heads);
  root.write_attribute("head_dim", header.shape.head_dim);
  if (header.content == DumpContent::qk) root.write_attribute("scale", header.scale);
  if (!header.model.empty()) root.write_attribute("model", header.model);
  if (!header.producer.empty()) root.write_attribute("producer", header.producer);
  root.write_attribute("topk_at_calibration", header.topk_at_calibration);
  if (!header.sinks.empty()) {
    root.write_attribute("has_sinks", std::int64_t{1});
    const hdf5::Dims dims = {header.shape.num_layers, header.shape.num_heads};
    root.create_dataset("sinks", hdf5::Element::f32, dims).write(std::span<const float>(header.sinks));
  }
  return root.create_group("samples");
}

void require_usable(const DumpSampleInfo& sample) {
  const std::vector<std::int32_t>& positions = sample.positions;
  if (sample.name.empty() || sample.name == "." || sample.name.find('/') != std::string::npos)
    throw std::logic_error("DumpWriter: '" + sample.name + "' cannot name a sample");
  if (sample.kv_len < 1 || sample.kv_len > std::numeric_limits<std::int32_t>::max())
    throw std::logic_error("DumpWriter: kv_len out of range");
  if (!sample.tokens.empty() && static_cast<std::int64_t>(sample.tokens.size()) != sample.kv_len)
    throw std::logic_error("DumpWriter: as many tokens as keys are needed");
  const bool ascending =
      std::adjacent_find(positions.begin(), positions.end(), std::greater_equal<>()) == positions.end();
  if (!positions.empty() && (!ascending || positions.front() < 0 || positions.back() >= sample.kv_len))
    throw std::logic_error("DumpWriter: positions must ascend within the sample");
}

OpenSample open_sample(hdf5::Group& samples, const DumpSampleInfo& sample) {
  DumpSampleInfo info = sample;
  if (info.positions.empty()) {
    info.positions.resize(static_cast<std::size_t>(info.kv_len));
    std::iota(info.positions.begin(), info.positions.end(), 0);
  }
  std::vector<std::int32_t> row_of(static_cast<std::size_t>(info.kv_len), -1);
  for (std::size_t row = 0; row < info.positions.size(); ++row)
    row_of[static_cast<std::size_t>(info.positions[row])] = static_cast<std::int32_t>(row);
  hdf5::Group group = samples.create_group(info.name);
  group.write_attribute("kv_len", info.kv_len);
  group.write_attribute("phase", name_of(info.phase));
  if (!info.source.empty()) group.write_attribute("source", info.source);
  if (!info.tokens.empty()) group.write_vector("tokens", info.tokens);
  hdf5::Group layers = group.create_group("layers");
  return {.info = std::move(info),
          .row_of = std::move(row_of),
          .group = std::move(group),
          .layers = std::move(layers)};
}

}  // namespace

void OpenSample::require_open(std::int64_t layer, const ModelShape& shape) const {
  if (layer < 0 || layer >= shape.num_layers)
    throw std::logic_error(fmt::format("DumpWriter: the model has no layer {}", layer));
  if (finished.contains(layer))
    throw std::logic_error(
        fmt::format("DumpWriter: layer {} of sample '{}' was finished already", layer, info.name));
}

hdf5::Group OpenSample::create_layer(std::int64_t layer) {
  hdf5::Group created = layers.create_group(std::to_string(layer));
  // The positions ascend without repetition, so they are the last ones of the sample exactly if the first one
  // is right.
  if (info.positions.front() != info.kv_len - rows()) created.write_vector("row_index", info.positions);
  return created;
}

hdf5::Dataset create_matrices(hdf5::Group& group, const std::string& name, const hdf5::Dims& dims,
                              const DumpOptions& options) {
  constexpr std::int64_t kChunkBytes = std::int64_t{256} << 10;
  hdf5::Storage storage;
  if (options.gzip_level > 0) {
    const std::int64_t elements = kChunkBytes / size_of(options.element);
    const std::int64_t columns = std::min(dims[2], elements);
    storage = {.chunk = {1, std::clamp<std::int64_t>(elements / columns, 1, dims[1]), columns},
               .gzip_level = options.gzip_level};
  }
  return group.create_dataset(name, storage_of(options.element), dims, storage);
}

void fail_value(const std::string& where, float value, DumpElement element, const std::string& place) {
  if (!std::isfinite(value)) {
    throw InputError({.where = where,
                      .what = "the model computed a number that is not finite",
                      .found = fmt::format("{} at {}", value, place)});
  }
  throw InputError({.where = where,
                    .what = fmt::format("a number does not fit {}", name_of(element)),
                    .found = fmt::format("{} at {}", value, place),
                    .next = "choose bfloat16 or float32 as the element type"});
}

DumpWriter::Impl::Impl(const std::filesystem::path& path, const DumpHeader& dump_header,
                       const DumpOptions& dump_options)
    : header(dump_header),
      options(dump_options),
      output(path),
      file(hdf5::File::create(output.temporary(), path.string())),
      samples(create_samples(file, header)) {
  if (header.content == DumpContent::scores)
    scores.emplace(path, header, options);
  else
    queries_keys.emplace(header, options);
}

void DumpWriter::Impl::end_sample() {
  if (!sample) return;
  if (scores)
    scores->require_complete();
  else
    queries_keys->require_complete();
  sample.reset();
}

DumpWriter::DumpWriter(const std::filesystem::path& path, const DumpHeader& header,
                       const DumpOptions& options)
    : impl_(std::make_unique<Impl>(path, header, options)) {}
DumpWriter::~DumpWriter() = default;

void DumpWriter::begin_sample(const DumpSampleInfo& sample) {
  require_usable(sample);
  impl_->end_sample();
  impl_->sample.emplace(open_sample(impl_->samples, sample));
}

void DumpWriter::add(const RowBlock& block) {
  if (!impl_->scores || !impl_->sample)
    throw std::logic_error("DumpWriter: no sample of scores is under way");
  impl_->scores->add(*impl_->sample, block);
}

void DumpWriter::add_queries_keys(const QueriesKeys& inputs) {
  if (!impl_->queries_keys || !impl_->sample)
    throw std::logic_error("DumpWriter: no sample of queries and keys is under way");
  impl_->queries_keys->add(*impl_->sample, inputs);
}

void DumpWriter::finish() {
  impl_->end_sample();
  { const hdf5::Group closed = std::move(impl_->samples); }
  impl_->file.close();
  impl_->output.commit();
}

}  // namespace toptheta
