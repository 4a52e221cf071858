// The flags of tt-calibrate fit, and the plan they resolve to.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "calibrate/options.hpp"
#include "common/session.hpp"
#include "report/format.hpp"
#include "tt_calibrate/calibration_source.hpp"
#include "tt_calibrate/curve_flags.hpp"
#include "tt_calibrate/follow_flags.hpp"
#include "tt_calibrate/resource_flags.hpp"
#include "tt_calibrate/share_flags.hpp"
#include "tt_calibrate/table_path.hpp"

namespace toptheta::app {

struct FitFlags {
  std::vector<std::string> dumps{};
  SourceFlags source{};
  std::string k{};
  std::string layer_k{};
  double precision = 0;
  Placement placement = Placement::pre_softmax;
  double add_sigma = 0;
  std::int64_t keep_first = 0;
  std::int64_t keep_recent = 0;
  std::string length_bins = "all";
  double row_fraction = 1;
  bool tac = false;
  bool sdc_offline = false;
  std::string sdc = "none";
  std::string rho_bins = "all";
  bool rho_law = false;
  CurveFlags curves{};
  FollowFlags follow{};
  ShareFlags share{};
  ResourceFlags resources{};
  ResultFormat format = table_format();
  std::string output{};
  std::vector<const CLI::Option*> of_thresholds{};  // how thresholds are made, apart from -k
};

// The flags, checked; either dumps, a dump to follow, or a source.
struct FitPlan {
  double precision = 0;  // of effective k, for advice on documents; 0: no advice
  std::vector<std::filesystem::path> dumps;
  CalibrationSource source;
  std::int64_t context = 0;
  CalibrationOptions options;
  FollowPlan follow;
  SharePlan share;
  ResourcePlan resources;
  TableFormat table_format = TableFormat::hdf5;
  ResultFormat summary_format = toptheta::table_format();
  std::filesystem::path output;
};

void declare_fit(CLI::App& app, FitFlags& flags);

// Throws UsageError for flags that are missing or cannot be combined.
FitPlan resolve_fit(const FitFlags& flags, Session& session);

}  // namespace toptheta::app
