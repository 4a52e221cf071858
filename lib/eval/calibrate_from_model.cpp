#include "eval/calibrate_from_model.hpp"

#include <algorithm>

#include "calibration/fitter.hpp"
#include "calibration/row_sampler.hpp"
#include "calibration/sdc_fitter.hpp"
#include "core/error.hpp"
#include "eval/selected_rows.hpp"

namespace toptheta {

namespace {

class ModelCalibration {
 public:
  ModelCalibration(LanguageModel& model, const std::vector<TextWindow>& windows,
                   const CalibrationOptions& options, std::int64_t passes)
      : model_(model),
        windows_(windows),
        options_(options),
        passes_(passes),
        cache_(shape(), longest(windows)) {}

  [[nodiscard]] const ModelShape& shape() const { return model_.transformer.config().shape; }

  // Thresholds for these k, the model attending by `policy` all the while.
  Calibration fit(const std::vector<std::int64_t>& k, const ResolvedPolicy& policy,
                  bool topk_at_calibration) {
    ThresholdFitter fitter({.k = k,
                            .layer_k = options_.layer_k,
                            .placement = options_.placement,
                            .add_sigma = options_.add_sigma},
                           shape());
    stream(policy, fitter.smallest_k(), fitter);
    TableMeta meta;
    meta.model = model_.transformer.config().name;
    meta.topk_at_calibration = topk_at_calibration;
    meta.row_fraction = options_.row_fraction;
    Calibration result{fitter.table(std::move(meta)), fitter.warnings()};
    if (options_.offline_sdc) {
      SdcFitter sdc(result.table);
      stream(policy, fitter.smallest_k(), sdc);
      sdc.fill(result.table);
    }
    return result;
  }

 private:
  static std::int64_t longest(const std::vector<TextWindow>& windows) {
    std::size_t tokens = 0;
    for (const TextWindow& window : windows)
      tokens = std::max(tokens, window.tokens.size());
    return static_cast<std::int64_t>(tokens);
  }

  // One pass over all windows; every pass draws the same rows.
  void stream(const ResolvedPolicy& policy, std::int64_t smallest_k, RowSink& sink) {
    RowSampler sampler(options_.row_fraction, options_.seed, smallest_k);
    SelectedRows selected(sink);
    for (const TextWindow& window : windows_) {
      std::vector<std::int32_t> lengths(window.tokens.size());
      for (std::size_t i = 0; i < lengths.size(); ++i)
        lengths[i] = static_cast<std::int32_t>(i + 1);
      std::vector<std::int32_t> drawn;
      for (const std::int64_t row : sampler.draw(lengths))
        drawn.push_back(lengths[static_cast<std::size_t>(row)]);
      // Where all rows are too short to be drawn, the sink sees them and can say so.
      if (drawn.empty())
        selected.select_all();
      else
        selected.select(drawn);
      run_window(model_.transformer, window, cache_, policy, {.attention = {.scores = &selected}});
      if (options_.progress)
        options_.progress("calibrating", ++done_, passes_ * static_cast<std::int64_t>(windows_.size()),
                          "windows");
    }
  }

  LanguageModel& model_;
  const std::vector<TextWindow>& windows_;
  const CalibrationOptions& options_;
  std::int64_t passes_;
  std::int64_t done_ = 0;
  KvCache cache_;
};

}  // namespace

Calibration calibrate_from_model(LanguageModel& model, const std::vector<TextWindow>& windows,
                                 const CalibrationOptions& options, bool topk_at_calibration) {
  if (windows.empty()) throw UsageError({.where = "--text", .what = "no text to calibrate on"});
  const auto targets = static_cast<std::int64_t>(options.k.size());
  const std::int64_t passes = (topk_at_calibration ? targets : 1) * (options.offline_sdc ? 2 : 1);
  ModelCalibration calibration(model, windows, options, passes);
  const ModelShape& shape = calibration.shape();
  if (!topk_at_calibration) return calibration.fit(options.k, dense_policy(shape), false);

  std::optional<Calibration> all;
  for (const std::int64_t k : options.k) {
    const Policy topk{
        .selection = Selection::topk, .placement = options.placement, .k = k, .layer_k = options.layer_k};
    Calibration one = calibration.fit({k}, ResolvedPolicy(topk, shape, 0, nullptr, ""), true);
    if (!all) {
      all = std::move(one);
      continue;
    }
    all->table.targets.push_back(std::move(one.table.targets.front()));
    all->warnings.insert(all->warnings.end(), one.warnings.begin(), one.warnings.end());
  }
  return std::move(*all);
}

}  // namespace toptheta
