// Dumps, or a model and texts -> curves: a pass over all rows, apart from that of the exact thresholds.
#pragma once
#include <filesystem>
#include <vector>

#include "eval/calibration_options.hpp"
#include "eval/model_texts.hpp"
#include "theta/curve.hpp"

namespace toptheta {

// Counts every row of every sample (docs/calibration.md, "Curves"), of the options' placement. Throws
// InputError for files of different shape or content, UsageError for scores wanted from softmax weights.
// Memory: calibration/curve_fitter.hpp.
ScoreCurves curves_from_dumps(const std::vector<std::filesystem::path>& paths,
                              const CalibrationOptions& options);
// The same of a model that attends densely.
ScoreCurves curves_from_model(LanguageModel& model, const std::vector<TextWindow>& windows,
                              const CalibrationOptions& options);

// With curves in the table and the pooled estimator asked for: every target again from the curves.
void refit_pooled(ThresholdTable& table, const std::vector<LayerK>& layer_k);

}  // namespace toptheta
