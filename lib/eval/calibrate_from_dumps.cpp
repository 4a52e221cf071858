#include "eval/calibrate_from_dumps.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "calibration/fitter.hpp"
#include "calibration/row_sampler.hpp"
#include "calibration/sdc_fitter.hpp"
#include "core/error.hpp"
#include "dump/reader.hpp"

namespace toptheta {

namespace {

// What all files have in common.
struct DumpSet {
  DumpHeader header;
  std::int64_t samples = 0;
};

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
  if (first.topk_at_calibration != other.topk_at_calibration)
    fail("topk_at_calibration", fmt::format("{}", first.topk_at_calibration),
         fmt::format("{}", other.topk_at_calibration));
}

DumpSet survey(const std::vector<std::filesystem::path>& paths) {
  DumpSet set;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const DumpReader dump(paths[i]);
    if (i == 0)
      set.header = dump.header();
    else
      require_same(set.header, dump.header(), paths[0].string(), paths[i].string());
    set.header.shape.head_dim = std::max(set.header.shape.head_dim, dump.header().shape.head_dim);
    set.samples += static_cast<std::int64_t>(dump.samples().size());
  }
  return set;
}

// Query positions of a sample's layers, each once, ascending; as row lengths.
std::vector<std::int32_t> lengths_of(const DumpReader& dump, std::size_t sample) {
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

void stream_drawn(const DumpReader& dump, std::size_t sample, RowSampler& sampler, RowSink& sink) {
  const std::vector<std::int32_t> lengths = lengths_of(dump, sample);
  std::vector<bool> drawn(lengths.empty() ? 0 : static_cast<std::size_t>(lengths.back()) + 1, false);
  const std::vector<std::int64_t> rows = sampler.draw(lengths);
  for (const std::int64_t row : rows)
    drawn[static_cast<std::size_t>(lengths[static_cast<std::size_t>(row)])] = true;
  for (const DumpLayer& layer : dump.samples()[sample].layers) {
    // Where all rows are too short to be drawn, the sink sees them and can say so.
    if (rows.empty()) {
      dump.stream(sample, layer.layer, sink);
      continue;
    }
    const std::vector<std::int32_t> positions = dump.row_positions(sample, layer.layer);
    std::vector<std::int64_t> selected;
    for (std::size_t r = 0; r < positions.size(); ++r)
      if (drawn[static_cast<std::size_t>(positions[r]) + 1]) selected.push_back(static_cast<std::int64_t>(r));
    dump.stream_selected(sample, layer.layer, selected, sink);
  }
}

struct Pass {
  const std::vector<std::filesystem::path>& paths;
  const CalibrationOptions& options;
  std::int64_t samples;
  std::int64_t smallest_k;
};

// One pass over all files; every pass draws the same rows.
void stream_all(const Pass& pass, std::string_view stage, RowSink& sink) {
  RowSampler sampler(pass.options.row_fraction, pass.options.seed, pass.smallest_k);
  std::int64_t done = 0;
  for (const auto& path : pass.paths) {
    const DumpReader dump(path);
    for (std::size_t sample = 0; sample < dump.samples().size(); ++sample) {
      stream_drawn(dump, sample, sampler, sink);
      if (pass.options.progress) pass.options.progress(stage, ++done, pass.samples, "samples");
    }
  }
}

// A dump taken under top-k observes that k only.
std::vector<std::string> topk_warnings(const DumpHeader& header, const CalibrationOptions& options) {
  std::vector<std::string> warnings;
  for (const std::int64_t k : options.k)
    if (header.topk_at_calibration > 0 && k != header.topk_at_calibration)
      warnings.push_back(
          fmt::format("the dumps were taken under top-{}; thresholds for k = {} see rows as that k "
                      "left them",
                      header.topk_at_calibration, k));
  return warnings;
}

}  // namespace

Calibration calibrate_from_dumps(const std::vector<std::filesystem::path>& paths,
                                 const CalibrationOptions& options) {
  const DumpSet set = survey(paths);
  ThresholdFitter fitter({.k = options.k,
                          .layer_k = options.layer_k,
                          .placement = options.placement,
                          .row_content = set.header.placement,
                          .add_sigma = options.add_sigma},
                         set.header.shape);
  const Pass pass{paths, options, set.samples, fitter.smallest_k()};
  stream_all(pass, "calibrating", fitter);
  TableMeta meta;
  meta.model = set.header.model;
  meta.topk_at_calibration = set.header.topk_at_calibration > 0;
  meta.row_fraction = options.row_fraction;
  Calibration result{fitter.table(std::move(meta)), fitter.warnings()};
  for (std::string& warning : topk_warnings(set.header, options))
    result.warnings.push_back(std::move(warning));
  if (options.offline_sdc) {
    SdcFitter sdc(result.table);
    stream_all(pass, "offline SDC", sdc);
    sdc.fill(result.table);
  }
  return result;
}

}  // namespace toptheta
