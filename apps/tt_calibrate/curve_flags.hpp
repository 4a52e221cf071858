// --curve and --estimator: thresholds of any k from one calibration, and thresholds that keep k on average.
#pragma once
#include <CLI/CLI.hpp>
#include <string>

#include "calibrate/options.hpp"

namespace toptheta::app {

struct CurveFlags {
  bool curve = false;
  Estimator estimator = Estimator::exact;
};

void declare_curves(CLI::App& app, CurveFlags& flags);

// Adds what the flags ask for to the other options. Throws UsageError for combinations that are not possible.
void resolve_curves(const CurveFlags& flags, CalibrationOptions& options);

}  // namespace toptheta::app
