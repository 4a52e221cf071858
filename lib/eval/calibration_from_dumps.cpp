#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "calibration/row_sampler.hpp"
#include "calibration/sdc_fitter.hpp"
#include "core/error.hpp"
#include "dump/reader.hpp"
#include "eval/calibration_run.hpp"

namespace toptheta {

namespace {

Placement row_placement(const DumpHeader& header) {
  return header.content == DumpContent::qk ? Placement::pre_softmax : header.placement;
}

// What all dumps of one calibration must share.
void require_same(const DumpReader& first, const DumpReader& other) {
  const ModelShape& a = first.header().shape;
  const ModelShape& b = other.header().shape;
  const auto text = [](const DumpHeader& header) {
    return fmt::format("{} layers, {} heads, {} KV heads, {} rows", header.shape.num_layers,
                       header.shape.num_heads, header.shape.num_kv_heads, name_of(row_placement(header)));
  };
  if (a.num_layers == b.num_layers && a.num_heads == b.num_heads && a.num_kv_heads == b.num_kv_heads &&
      row_placement(first.header()) == row_placement(other.header()) &&
      first.header().topk_at_calibration == other.header().topk_at_calibration)
    return;
  throw InputError({.where = other.path(),
                    .what = "does not belong to the same calibration as " + first.path(),
                    .expected = text(first.header()),
                    .found = text(other.header()),
                    .next = "calibrate dumps of one model, one placement and one top-k at a time"});
}

class DumpSet {
 public:
  explicit DumpSet(const std::vector<std::filesystem::path>& paths) {
    for (const auto& path : paths) {
      dumps_.push_back(std::make_unique<DumpReader>(path));
      require_same(*dumps_.front(), *dumps_.back());
      for (const DumpSample& sample : dumps_.back()->samples())
        layers_ += static_cast<std::int64_t>(sample.layers.size());
    }
  }

  [[nodiscard]] const DumpReader& first() const { return *dumps_.front(); }

  // One pass. A sampler draws by the rows of each sample's first layer; every other layer gives its rows of
  // the same lengths.
  void stream(RowSink& sink, const CalibrationOptions& options, std::int64_t smallest_k,
              const std::string& stage) {
    RowSampler sampler(options.row_fraction, options.seed, smallest_k);
    std::int64_t done = 0;
    for (const auto& dump : dumps_) {
      for (std::size_t s = 0; s < dump->samples().size(); ++s) {
        const std::vector<std::int32_t> lengths =
            options.row_fraction < 1 ? drawn_lengths(*dump, s, sampler) : std::vector<std::int32_t>();
        for (const DumpLayer& layer : dump->samples()[s].layers) {
          if (options.row_fraction < 1)
            dump->stream_selected(s, layer.layer, rows_of(*dump, s, layer.layer, lengths), sink);
          else
            dump->stream(s, layer.layer, sink);
          if (options.progress) options.progress(stage, ++done, layers_);
        }
      }
    }
  }

 private:
  // Row lengths drawn of a sample, ascending.
  static std::vector<std::int32_t> drawn_lengths(const DumpReader& dump, std::size_t sample,
                                                 RowSampler& sampler) {
    const auto& layers = dump.samples()[sample].layers;
    if (layers.empty()) return {};
    std::vector<std::int32_t> all = dump.row_positions(sample, layers.front().layer);
    std::sort(all.begin(), all.end());
    for (std::int32_t& position : all)
      ++position;
    std::vector<std::int32_t> drawn;
    for (const std::int64_t row : sampler.draw(all))
      drawn.push_back(all[static_cast<std::size_t>(row)]);
    return drawn;
  }

  static std::vector<std::int64_t> rows_of(const DumpReader& dump, std::size_t sample, std::int64_t layer,
                                           const std::vector<std::int32_t>& lengths) {
    const std::vector<std::int32_t> positions = dump.row_positions(sample, layer);
    std::vector<std::int64_t> rows;
    for (std::size_t r = 0; r < positions.size(); ++r)
      if (std::binary_search(lengths.begin(), lengths.end(), positions[r] + 1))
        rows.push_back(static_cast<std::int64_t>(r));
    return rows;
  }

  std::vector<std::unique_ptr<DumpReader>> dumps_;
  std::int64_t layers_ = 0;
};

}  // namespace

CalibrationOutcome calibrate_from_dumps(const std::vector<std::filesystem::path>& dumps,
                                        const CalibrationOptions& options) {
  DumpSet set(dumps);
  const DumpHeader& header = set.first().header();
  ThresholdFitter fitter({.k = options.k,
                          .layer_k = options.layer_k,
                          .placement = options.placement,
                          .row_content = row_placement(header),
                          .add_sigma = options.add_sigma},
                         header.shape);
  set.stream(fitter, options, fitter.smallest_k(), "fitting");
  TableMeta meta;
  meta.shape = header.shape;
  meta.model = header.model;
  meta.topk_at_calibration = header.topk_at_calibration > 0;
  meta.row_fraction = options.row_fraction;
  CalibrationOutcome outcome{fitter.table(meta), fitter.warnings()};
  if (options.offline_sdc) {
    SdcFitter sdc(outcome.table);
    set.stream(sdc, options, fitter.smallest_k(), "offline SDC");
    sdc.fill(outcome.table);
  }
  return outcome;
}

}  // namespace toptheta
