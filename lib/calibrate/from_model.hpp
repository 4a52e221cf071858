// Fits thresholds while a model reads texts, in one pass and without a dump.
#pragma once
#include <filesystem>
#include <vector>

#include "calibrate/model_texts.hpp"
#include "calibrate/options.hpp"

namespace toptheta {

// Runs every window through the model and observes its attention rows. If the model stays dense, one pass
// serves every k. With `topk_at_calibration`, exact top-k (at the placement, uncompensated) is applied to
// each row after it was observed, so that later layers see what they will see when sparsified; this takes one
// pass per k. Offline and calibrated SDC take as many passes again. Rows are drawn window by window. Throws
// UsageError for options that cannot be met.
Calibration calibrate_from_model(LanguageModel& model, const std::vector<TextWindow>& windows,
                                 const CalibrationOptions& options, bool topk_at_calibration);

}  // namespace toptheta
