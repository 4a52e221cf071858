// Runs the plan of tt-calibrate fit.
#pragma once
#include "calibrate/run.hpp"
#include "tt_calibrate/fit_flags.hpp"

namespace toptheta::app {

// The table comes with its provenance.
CalibrationOutcome run_fit(const FitPlan& plan, Session& session);

}  // namespace toptheta::app
