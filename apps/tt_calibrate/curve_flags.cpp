#include "tt_calibrate/curve_flags.hpp"

#include "common/choice_flag.hpp"
#include "core/error.hpp"

namespace toptheta::app {

void declare_curves(CLI::App& app, CurveFlags& flags) {
  app.add_flag("--curve", flags.curve,
               "Also store curves, from which tt-calibrate retarget finds thresholds for any other k without "
               "the data. Only .h5 holds them; with --tac, calibrate one k at a time");
  add_choice(app, "--estimator", flags.estimator,
             "exact = mean of the rows' own thresholds; pooled = the threshold with which rows keep k on "
             "average, found from curves. On unseen text pooled keeps k, while exact keeps more");
}

void resolve_curves(const CurveFlags& flags, CalibrationOptions& options) {
  options.pooled = flags.estimator == Estimator::pooled;
  options.curves = flags.curve || options.pooled;
  const auto fail = [](const char* what, const char* next) {
    throw UsageError({.where = "--estimator pooled", .what = what, .next = next});
  };
  if (options.pooled && options.has_sdc())
    fail("has no thresholds of single rows, which --sdc needs",
         options.placement == Placement::pre_softmax
             ? "calibrate with --curve --sdc calibrated; tt-calibrate retarget then finds rho for pooled "
               "thresholds"
             : "use --estimator exact, or leave out --sdc");
  if (options.pooled && options.add_sigma != 0)
    fail("meets k on average, so --add-sigma has nothing to correct", "drop --add-sigma");
}

}  // namespace toptheta::app
