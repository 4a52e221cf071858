// Turns the configuration of a sweep into cells. Each cell is one policy on one task under one protocol.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sweep/config.hpp"
#include "tt_eval/policy_plans.hpp"
#include "tt_eval/run_flags.hpp"

namespace toptheta::app {

struct SweepCell {
  std::string name;  // of its file, without extension; stable, because it only depends on what the cell holds
  // Flags of tt-eval run that make its result, with the one policy: {"k", "16"}; a switch has no value.
  std::vector<std::pair<std::string, std::string>> settings;
  std::string group;  // what all cells of a group share: model, task, protocol
  RunFlags flags;
  Policy policy;
  std::uint64_t seed = 0;
};

// Tables by their paths, as far as they can be read. Cells that need another table report the error.
using ThresholdFiles = std::map<std::string, ThresholdFile>;
ThresholdFiles readable_tables(const std::vector<SweepSetting>& settings, Console& console);

// Settings in the form of run's flags: ranges are expanded into numbers, and missing tasks and policies are
// set as run does. Throws UsageError, with the place in the file, for keys that are not flags of run (naming
// the nearest flag), for flags that say where run writes, and for values that run refuses.
std::vector<SweepSetting> resolved_settings(const std::vector<SweepSetting>& settings);

// All combinations of resolved settings, by groups, in the order of the file. Settings that mean nothing for
// a policy are left out, and cells that are then equal appear once; a table that does not fit a policy is
// skipped if another does. `seed` is that of the command line, for settings without one. Throws UsageError
// for a setting that applies to no policy.
std::vector<SweepCell> sweep_cells(const std::vector<SweepSetting>& settings, const ThresholdFiles& tables,
                                   std::uint64_t seed);

}  // namespace toptheta::app
