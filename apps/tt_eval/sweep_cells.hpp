// A sweep's configuration -> its cells: one policy on one task under one protocol each.
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
  std::string name;  // of its file, without ending; stable: it says what the cell holds, and no more
  // Flags of tt-eval run that make its result, with the one policy: {"k", "16"}; a switch has no value.
  std::vector<std::pair<std::string, std::string>> settings;
  std::string group;  // what all of its group have in common: model, task, protocol
  RunFlags flags;
  Policy policy;
  std::uint64_t seed = 0;
};

// Tables by their paths, as far as they could be read; the others are left to the cells that need them.
using ThresholdFiles = std::map<std::string, ThresholdFile>;
ThresholdFiles readable_tables(const std::vector<SweepSetting>& settings);

// Settings as run's flags have them: ranges of numbers written out, tasks and policies that are not given as
// run chooses them. Throws UsageError, with the place in the file, for keys that are no flag of run, with the
// nearest that is, for flags that say where run writes, and for values that run refuses.
std::vector<SweepSetting> resolved_settings(const std::vector<SweepSetting>& settings);

// All combinations of resolved settings, groups together, in the order of the file. What means nothing for a
// policy is left out, and what is then the same, or is a table that does not fit where another does, stands
// once. `seed`: that of the command line, where the settings have none. Throws UsageError for a setting that
// holds for no policy.
std::vector<SweepCell> sweep_cells(const std::vector<SweepSetting>& settings, const ThresholdFiles& tables,
                                   std::uint64_t seed);

}  // namespace toptheta::app
