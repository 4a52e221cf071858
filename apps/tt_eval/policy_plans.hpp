// Policies and threshold files -> policies fitted to a model.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/console.hpp"
#include "eval/runner.hpp"
#include "theta/table.hpp"

namespace toptheta::app {

struct ThresholdFile {
  std::string path;
  ThresholdTable table;
  bool says_placement = true;  // a th.txt or a CSV does not: it fits policies of any placement
};

// Tables of any format that can be read back, by their ending.
std::vector<ThresholdFile> load_thresholds(const std::vector<std::string>& paths);

// The k that it was calibrated for.
std::vector<std::int64_t> ascending_k(const ThresholdTable& table);

// Whether the table has the policy's placement and k.
bool fits(const ThresholdFile& file, const Policy& policy);

// Policies that take their k from a table and name none, once for every k of the table that they take, in
// ascending order; all others as they are. Throws UsageError as plan_policies() does.
std::vector<Policy> with_every_k(const std::vector<Policy>& policies,
                                 const std::vector<ThresholdFile>& thresholds);

// One plan per policy, for row lengths up to `context`. A policy that needs a table takes the one whose
// placement and k fit; a single table is taken as it is, so that whatever does not fit is named. Throws
// UsageError where none or several fit, or where the policy names no k and the table has several, and
// InputError for a table of another model.
std::vector<PolicyPlan> plan_policies(const std::vector<Policy>& policies,
                                      const std::vector<ThresholdFile>& thresholds, const ModelShape& shape,
                                      std::int64_t context);

// Warns of tables whose calibrated rows end well before `context`, by more than a quarter: longer rows get
// the threshold of the longest.
void warn_of_long_rows(const std::vector<PolicyPlan>& policies, const std::vector<ThresholdFile>& thresholds,
                       std::int64_t context, Console& console);

// Warns of policies that keep the ends of rows beside thresholds that were fitted to whole rows: these keep
// more than k.
void warn_of_kept_ends(const std::vector<PolicyPlan>& policies, const std::vector<ThresholdFile>& thresholds,
                       Console& console);

}  // namespace toptheta::app
