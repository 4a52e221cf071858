#include "calibrate/from_model.hpp"

#include "calibrate/model_source.hpp"
#include "calibrate/run.hpp"
#include "core/error.hpp"

namespace toptheta {

Calibration calibrate_from_model(LanguageModel& model, const std::vector<TextWindow>& windows,
                                 const CalibrationOptions& options, bool topk_at_calibration) {
  if (windows.empty()) throw UsageError({.where = "--text", .what = "no text to calibrate on"});
  CalibrationOptions with_tac = options;
  with_tac.tac = topk_at_calibration;
  ModelSource source(model, windows, options.placement, options.layer_k, 0, options.kept);
  return run_calibration(source, with_tac, {}).calibration.value();
}

}  // namespace toptheta
