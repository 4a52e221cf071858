// Calibration as a whole: dumps, or a model and texts, in; a threshold table out.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "calibration/fitter.hpp"
#include "model/language_model.hpp"
#include "tasks/task.hpp"
#include "theta/table.hpp"

namespace toptheta {

struct CalibrationOptions {
  std::vector<std::int64_t> k{};
  std::vector<LayerK> layer_k{};
  Placement placement = Placement::pre_softmax;
  double add_sigma = 0;
  double row_fraction = 1;
  std::uint64_t seed = 0;
  bool offline_sdc = false;          // a second pass over the same rows, with the final thresholds
  bool topk_at_calibration = false;  // model only: a pass per k
  std::function<void(const std::string& stage, std::int64_t done, std::int64_t total)> progress{};
};

struct CalibrationOutcome {
  ThresholdTable table;  // provenance is the caller's
  std::vector<std::string> warnings;
};

// One pass over all rows of all dumps (two with offline SDC). Throws InputError where dumps disagree in shape
// or placement, and as DumpReader and ThresholdFitter do. Memory: one sample's one layer of one dump, and the
// fitter's.
CalibrationOutcome calibrate_from_dumps(const std::vector<std::filesystem::path>& dumps,
                                        const CalibrationOptions& options);

// The windows of tokens that a model reads to calibrate on these texts: start token, then the text, cut into
// consecutive pieces that fit `context`, each after a start token of its own.
std::vector<std::vector<std::int32_t>> calibration_windows(const LanguageModel& model,
                                                           const std::vector<TextDocument>& texts,
                                                           std::int64_t context);

// The same from the model's own forward passes: rows are seen as they are computed, nothing is stored. With
// top-k at calibration every k needs its own passes, because later layers see what earlier ones have dropped.
CalibrationOutcome calibrate_from_model(LanguageModel& model,
                                        const std::vector<std::vector<std::int32_t>>& windows,
                                        const CalibrationOptions& options);

}  // namespace toptheta
