// A model and texts -> thresholds, in one pass and without a dump.
#pragma once
#include <filesystem>
#include <vector>

#include "calibrate/model_texts.hpp"
#include "calibrate/options.hpp"

namespace toptheta {

// Runs every window through the model while its attention rows are observed. Dense, one pass serves every k.
// With `topk_at_calibration`, exact top-k (at the placement, uncompensated) is applied to a row after it is
// observed, so that later layers see what they will see when sparsified: one pass for each k. Offline SDC
// takes as many passes again. Rows are drawn window by window. Throws UsageError for options that cannot be
// met.
Calibration calibrate_from_model(LanguageModel& model, const std::vector<TextWindow>& windows,
                                 const CalibrationOptions& options, bool topk_at_calibration);

}  // namespace toptheta
