#include "eval/observe_curves.hpp"

#include <algorithm>
#include <memory>

#include "calibration/curve_fitter.hpp"
#include "calibration/retarget.hpp"
#include "core/error.hpp"
#include "dump/reader.hpp"

namespace toptheta {

namespace {

constexpr const char* kStage = "curves";

}  // namespace

ScoreCurves curves_from_dumps(const std::vector<std::filesystem::path>& paths,
                              const CalibrationOptions& options) {
  std::unique_ptr<CurveFitter> fitter;
  ModelShape shape;
  Placement content = Placement::pre_softmax;
  std::int64_t done = 0;
  for (const auto& path : paths) {
    const DumpReader dump(path);
    const DumpHeader& header = dump.header();
    if (fitter == nullptr) {
      shape = header.shape;
      content = header.placement;
      fitter = std::make_unique<CurveFitter>(options.placement, content, shape);
    }
    if (header.shape.num_layers != shape.num_layers || header.shape.num_heads != shape.num_heads ||
        header.placement != content)
      throw InputError({.where = path.string(),
                        .what = "its shape or placement is not that of the first dump",
                        .next = "calibrate from dumps of one model, taken in one way"});
    for (std::size_t sample = 0; sample < dump.samples().size(); ++sample) {
      for (const DumpLayer& layer : dump.samples()[sample].layers)
        dump.stream(sample, layer.layer, *fitter);
      if (options.progress) options.progress(kStage, ++done, 0, "samples");
    }
  }
  return fitter == nullptr ? ScoreCurves{} : fitter->curves();
}

ScoreCurves curves_from_model(LanguageModel& model, const std::vector<TextWindow>& windows,
                              const CalibrationOptions& options) {
  const ModelShape& shape = model.transformer.config().shape;
  std::size_t longest = 0;
  for (const TextWindow& window : windows)
    longest = std::max(longest, window.tokens.size());
  KvCache cache(shape, static_cast<std::int64_t>(longest));
  CurveFitter fitter(options.placement, Placement::pre_softmax, shape);
  const ResolvedPolicy dense = dense_policy(shape);
  std::int64_t done = 0;
  for (const TextWindow& window : windows) {
    run_window(model.transformer, window, cache, dense, {.attention = {.scores = &fitter}});
    if (options.progress)
      options.progress(kStage, ++done, static_cast<std::int64_t>(windows.size()), "windows");
  }
  return fitter.curves();
}

void refit_pooled(ThresholdTable& table, const std::vector<LayerK>& layer_k) {
  for (Target& target : table.targets)
    target = pooled_target(table, target.k, layer_k);
  table.meta.estimator = "pooled";
  table.meta.add_sigma = 0;
}

}  // namespace toptheta
