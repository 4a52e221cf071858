#include <algorithm>

#include "calibration/row_sampler.hpp"
#include "calibration/sdc_fitter.hpp"
#include "eval/calibration_run.hpp"
#include "tasks/requests.hpp"

namespace toptheta {

namespace {

// Lets through the rows of chosen lengths.
class ChosenRows final : public RowSink {
 public:
  ChosenRows(RowSink& next, std::int64_t longest)
      : next_(next), chosen_(static_cast<std::size_t>(longest) + 1) {}

  void choose(const std::vector<std::int64_t>& rows, std::span<const std::int32_t> lengths) {
    std::fill(chosen_.begin(), chosen_.end(), false);
    for (const std::int64_t row : rows)
      chosen_[static_cast<std::size_t>(lengths[static_cast<std::size_t>(row)])] = true;
  }
  void add(const RowBlock& block) override {
    for (std::int64_t r = 0; r < block.rows(); ++r) {
      const auto length = block.lengths.subspan(static_cast<std::size_t>(r), 1);
      if (!chosen_[static_cast<std::size_t>(length[0])]) continue;
      next_.add({block.layer, block.head, block.scores + r * block.stride, block.stride, length});
    }
  }

 private:
  RowSink& next_;
  std::vector<bool> chosen_;  // by row length
};

class ModelPasses {
 public:
  ModelPasses(LanguageModel& model, const std::vector<std::vector<std::int32_t>>& windows,
              const CalibrationOptions& options)
      : model_(model), windows_(windows), options_(options) {
    for (const auto& window : windows)
      longest_ = std::max(longest_, static_cast<std::int64_t>(window.size()));
  }

  // All windows once, every (drawn) row shown to `sink`, attention by `policy`.
  void run(RowSink& sink, const ResolvedPolicy& policy, std::int64_t smallest_k, const std::string& stage) {
    RowSampler sampler(options_.row_fraction, options_.seed, smallest_k);
    ChosenRows chosen(sink, longest_);
    KvCache cache(model_.transformer.config().shape, longest_);
    for (std::size_t w = 0; w < windows_.size(); ++w) {
      std::vector<std::int32_t> lengths(windows_[w].size());
      for (std::size_t i = 0; i < lengths.size(); ++i)
        lengths[i] = static_cast<std::int32_t>(i) + 1;
      const bool all = options_.row_fraction >= 1;
      if (!all) chosen.choose(sampler.draw(lengths), lengths);
      cache.truncate(0);
      model_.transformer.forward(windows_[w], cache, policy,
                                 {.attention = {.scores = all ? &sink : static_cast<RowSink*>(&chosen)}});
      if (options_.progress)
        options_.progress(stage, static_cast<std::int64_t>(w) + 1,
                          static_cast<std::int64_t>(windows_.size()));
    }
  }

 private:
  LanguageModel& model_;
  const std::vector<std::vector<std::int32_t>>& windows_;
  const CalibrationOptions& options_;
  std::int64_t longest_ = 1;
};

// Thresholds for some k from forward passes under one policy.
CalibrationOutcome fit(LanguageModel& model, ModelPasses& passes, const ResolvedPolicy& policy,
                       const std::vector<std::int64_t>& k, const CalibrationOptions& options) {
  const ModelShape& shape = model.transformer.config().shape;
  ThresholdFitter fitter({.k = k,
                          .layer_k = options.layer_k,
                          .placement = options.placement,
                          .row_content = Placement::pre_softmax,
                          .add_sigma = options.add_sigma},
                         shape);
  passes.run(fitter, policy, fitter.smallest_k(), "fitting");
  TableMeta meta;
  meta.shape = shape;
  meta.model = model.transformer.config().name;
  meta.topk_at_calibration = options.topk_at_calibration;
  meta.row_fraction = options.row_fraction;
  CalibrationOutcome outcome{fitter.table(meta), fitter.warnings()};
  if (options.offline_sdc) {
    SdcFitter sdc(outcome.table);
    passes.run(sdc, policy, fitter.smallest_k(), "offline SDC");
    sdc.fill(outcome.table);
  }
  return outcome;
}

}  // namespace

std::vector<std::vector<std::int32_t>> calibration_windows(const LanguageModel& model,
                                                           const std::vector<TextDocument>& texts,
                                                           std::int64_t context) {
  std::vector<std::vector<std::int32_t>> windows;
  for (const TextDocument& text : texts) {
    for (std::vector<std::int32_t>& piece :
         consecutive_windows(model.tokenizer.encode(text.text), context - 1)) {
      piece.insert(piece.begin(), start_token(model));
      windows.push_back(std::move(piece));
    }
  }
  return windows;
}

CalibrationOutcome calibrate_from_model(LanguageModel& model,
                                        const std::vector<std::vector<std::int32_t>>& windows,
                                        const CalibrationOptions& options) {
  const ModelShape& shape = model.transformer.config().shape;
  ModelPasses passes(model, windows, options);
  if (!options.topk_at_calibration) return fit(model, passes, dense_policy(shape), options.k, options);
  CalibrationOutcome all;
  for (const std::int64_t k : options.k) {
    const Policy topk{
        .selection = Selection::topk, .placement = options.placement, .k = k, .layer_k = options.layer_k};
    CalibrationOutcome one = fit(model, passes, ResolvedPolicy(topk, shape, 0, nullptr, ""), {k}, options);
    if (all.table.targets.empty()) all.table.meta = one.table.meta;
    all.table.targets.push_back(std::move(one.table.targets.front()));
    all.warnings.insert(all.warnings.end(), one.warnings.begin(), one.warnings.end());
  }
  return all;
}

}  // namespace toptheta
