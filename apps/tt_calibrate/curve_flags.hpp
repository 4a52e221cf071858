// --curve and --estimator: thresholds of any k from one calibration, and thresholds that keep k on average.
#pragma once
#include <CLI/CLI.hpp>
#include <string>

namespace toptheta::app {

struct CurveFlags {
  bool curve = false;
  std::string estimator = "exact";
};

struct CurvePlan {
  bool stored = false;  // curves go into the table
  bool pooled = false;  // and its thresholds come from them
};

void declare_curves(CLI::App& app, CurveFlags& flags);

// What else was asked for, as far as curves do not go with it.
struct CurveCompany {
  bool tac = false;
  bool sdc_offline = false;
  bool add_sigma = false;
  bool follow = false;
  bool shared = false;  // in shares, with checkpoints or over several processes
};

// Throws UsageError.
CurvePlan resolve_curves(const CurveFlags& flags, const CurveCompany& company);

}  // namespace toptheta::app
