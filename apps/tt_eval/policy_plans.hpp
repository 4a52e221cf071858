// Combines policies and threshold files into policies resolved for a model.
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
  bool says_placement = true;  // false for th.txt and CSV, which fit policies of any placement
};

// Reads tables of any readable format, by their extension; what they hold for nothing is named on the
// console.
std::vector<ThresholdFile> load_thresholds(const std::vector<std::string>& paths, Console& console);

// The k that the table was calibrated for, ascending.
std::vector<std::int64_t> ascending_k(const ThresholdTable& table);

// Whether the table has the policy's placement and k.
bool fits(const ThresholdFile& file, const Policy& policy);

// Repeats each policy that takes its k from a table and names none, once for every k of its table, in
// ascending order. Other policies stay as they are. Throws UsageError as plan_policies() does.
std::vector<Policy> with_every_k(const std::vector<Policy>& policies,
                                 const std::vector<ThresholdFile>& thresholds);

// One plan per policy, for row lengths up to `context`. A policy that needs a table takes the one whose
// placement and k fit. A single table is taken in any case, so that an error names what does not fit. Throws
// UsageError if none or several tables fit, or if the policy names no k and the table has several, and
// InputError for a table of another model.
std::vector<PolicyPlan> plan_policies(const std::vector<Policy>& policies,
                                      const std::vector<ThresholdFile>& thresholds, const ModelShape& shape,
                                      std::int64_t context);

// Warns about tables if `context` exceeds their longest calibrated row by more than a quarter: longer rows
// get the threshold of the longest.
void warn_of_long_rows(const std::vector<PolicyPlan>& policies, const std::vector<ThresholdFile>& thresholds,
                       std::int64_t context, Console& console);

// Warns that no policy uses the table, and says what it holds.
void warn_of_idle_table(const ThresholdFile& file, Console& console);
// The same about every table that none of the policies takes. Throws UsageError as plan_policies() does.
void warn_of_idle_tables(const std::vector<Policy>& policies, const std::vector<ThresholdFile>& thresholds,
                         Console& console);

// Warns about policies that always keep the ends of rows, with thresholds that were fitted to whole rows:
// they keep more than k.
void warn_of_kept_ends(const std::vector<PolicyPlan>& policies, const std::vector<ThresholdFile>& thresholds,
                       Console& console);

}  // namespace toptheta::app
