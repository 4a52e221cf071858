#include "tt_eval/policy_plans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "attention/policies/unit.hpp"
#include "common/thresholds.hpp"
#include "core/error.hpp"
#include "theta/unused_entries.hpp"

namespace toptheta::app {

namespace {

std::string k_of(const ThresholdFile& file) {
  std::string k;
  for (const Target& target : file.table.targets)
    k += fmt::format("{}{}", k.empty() ? "" : ",", target.k);
  return k;
}

std::string content_of(const ThresholdFile& file) {
  return fmt::format("{} ({}, k {})", file.path, name_of(file.table.meta.placement), k_of(file));
}

const ThresholdFile* choose(const Policy& policy, const std::vector<ThresholdFile>& files) {
  if (files.size() <= 1) return files.empty() ? nullptr : files.data();
  std::vector<const ThresholdFile*> fitting;
  for (const ThresholdFile& file : files)
    if (fits(file, policy)) fitting.push_back(&file);
  // A table made for the policy's own placement comes before one that serves it too.
  const auto own = [&](const ThresholdFile* file) { return file->table.meta.placement == policy.placement; };
  if (std::any_of(fitting.begin(), fitting.end(), own))
    std::erase_if(fitting, [&](const ThresholdFile* file) { return file->says_placement && !own(file); });
  if (fitting.size() == 1) return fitting.front();
  std::string found;
  for (const ThresholdFile& file : files)
    found += (found.empty() ? "" : "; ") + content_of(file);
  throw UsageError(
      {.where = fmt::format("attention policy '{}'", describe(policy)),
       .what = fitting.empty() ? "none of the threshold tables fits" : "several threshold tables fit",
       .expected = "one table with its placement and k",
       .found = found,
       .next = fitting.empty() ? "calibrate for it" : "name one of them"});
}

// The longest row with a threshold of its own.
std::int64_t longest_row(const ThresholdTable& table) {
  std::int64_t longest = 0;
  for (const Target& target : table.targets)
    for (const auto& cell : target.cells)
      if (!cell.empty()) longest = std::max<std::int64_t>(longest, cell.back().length);
  return longest;
}

PolicyRecord record_of(const ResolvedPolicy& policy, const ModelShape& shape, const ThresholdFile* file) {
  PolicyRecord record;
  record.policy = policy.policy();
  if (!is_dense(policy.policy())) {
    std::vector<std::int64_t> head_k;
    for (std::int64_t layer = 0; layer < shape.num_layers; ++layer)
      for (std::int64_t head = 0; head < shape.num_heads; ++head)
        head_k.push_back(policy.k(layer, head));
    record.layer_k = layer_k_of(head_k, shape.num_heads);
    for (std::size_t i = 0; i < head_k.size(); ++i)
      if (head_k[i] != record.layer_k[i / static_cast<std::size_t>(shape.num_heads)]) {
        record.head_k = std::move(head_k);
        break;
      }
  }
  if (file == nullptr) return record;
  record.thresholds = file->path;
  record.add_sigma = file->table.meta.add_sigma;
  record.topk_at_calibration = file->table.meta.topk_at_calibration;
  record.rho_law = policy.has_rho_laws();
  return record;
}

// A table that does not say for which placement it was calibrated is taken for the policy's.
ResolvedPolicy resolved_as_asked(const Policy& policy, const ModelShape& shape, std::int64_t context,
                                 const ThresholdFile& file) {
  ThresholdTable table = file.table;
  table.meta.placement = policy.placement;
  return {policy, shape, context, &table, file.path};
}

}  // namespace

std::vector<std::int64_t> ascending_k(const ThresholdTable& table) {
  std::vector<std::int64_t> k;
  k.reserve(table.targets.size());
  for (const Target& target : table.targets)
    k.push_back(target.k);
  std::sort(k.begin(), k.end());
  return k;
}

bool fits(const ThresholdFile& file, const Policy& policy) {
  const ThresholdTable& table = file.table;
  const bool has_k = policy.k == 0 || std::any_of(table.targets.begin(), table.targets.end(),
                                                  [&](const Target& target) { return target.k == policy.k; });
  return (!file.says_placement || serves(table.meta.placement, policy.placement)) && has_k;
}

void warn_of_long_rows(const std::vector<PolicyPlan>& policies, const std::vector<ThresholdFile>& thresholds,
                       std::int64_t context, Console& console) {
  for (const ThresholdFile& file : thresholds) {
    std::int64_t longest = 0;
    for (const PolicyPlan& plan : policies)
      if (plan.record.thresholds == file.path) longest = std::max(longest, longest_row(file.table));
    if (longest == 0 || 4 * context <= 5 * longest) continue;
    console.warn(fmt::format("{} ends at rows of {} keys, but the model sees up to {}: longer rows get the "
                             "threshold of that length and may keep more than k",
                             file.path, longest, context),
                 "calibrate with longer texts, or use tt-calibrate retarget --extend-to");
  }
}

void warn_of_idle_table(const ThresholdFile& file, Console& console) {
  console.warn(fmt::format("{} is used by no policy: it holds {} thresholds for k = {}", file.path,
                           name_of(file.table.meta.placement), k_of(file)),
               "ask for its placement and k, or leave it out");
}

void warn_of_idle_tables(const std::vector<Policy>& policies, const std::vector<ThresholdFile>& thresholds,
                         Console& console) {
  std::set<const ThresholdFile*> taken;
  for (const Policy& policy : policies)
    if (needs_table(policy)) taken.insert(choose(policy, thresholds));
  for (const ThresholdFile& file : thresholds)
    if (!taken.contains(&file)) warn_of_idle_table(file, console);
}

void warn_of_kept_ends(const std::vector<PolicyPlan>& policies, const std::vector<ThresholdFile>& thresholds,
                       Console& console) {
  for (const PolicyPlan& plan : policies) {
    const KeptEnds kept{plan.record.policy.keep_first, plan.record.policy.keep_recent};
    const bool fitted = std::any_of(thresholds.begin(), thresholds.end(), [&plan](const ThresholdFile& file) {
      return file.path == plan.record.thresholds && file.table.meta.kept.any();
    });
    if (!has_thresholds(plan.record.policy) || !kept.any() || fitted) continue;
    console.warn(fmt::format("'{}': the thresholds alone keep k keys of a row, so more are kept with {}",
                             describe(plan.record.policy), describe(kept)),
                 fmt::format("calibrate for it: tt-calibrate fit{}{}",
                             kept.first > 0 ? fmt::format(" --keep-first {}", kept.first) : "",
                             kept.recent > 0 ? fmt::format(" --keep-recent {}", kept.recent) : ""));
  }
}

std::vector<ThresholdFile> load_thresholds(const std::vector<std::string>& paths, Console& console) {
  std::vector<ThresholdFile> files;
  files.reserve(paths.size());
  for (const std::string& path : paths) {
    const TableFormat format = input_table_format(path);
    ThresholdFile& file =
        files.emplace_back(ThresholdFile{path, read_table(path, format), says_placement(format)});
    if (!file.says_placement)
      console.note(fmt::format(
          "{} does not record its placement, so its thresholds are taken for that of the policy", path));
    tell_unused(file.table, path, format, console);
    take_out_unused(file.table);
  }
  return files;
}

std::vector<Policy> with_every_k(const std::vector<Policy>& policies,
                                 const std::vector<ThresholdFile>& thresholds) {
  std::vector<Policy> expanded;
  for (const Policy& policy : policies) {
    const bool asks = needs_table(policy) && unit_of(policy).has_k && policy.k == 0;
    const ThresholdFile* const file = asks ? choose(policy, thresholds) : nullptr;
    if (file == nullptr) {
      expanded.push_back(policy);
      continue;
    }
    for (const std::int64_t k : ascending_k(file->table)) {
      expanded.push_back(policy);
      expanded.back().k = k;
    }
  }
  return expanded;
}

std::vector<PolicyPlan> plan_policies(const std::vector<Policy>& policies,
                                      const std::vector<ThresholdFile>& thresholds, const ModelShape& shape,
                                      std::int64_t context) {
  std::vector<PolicyPlan> plans;
  for (const Policy& policy : policies) {
    const ThresholdFile* file = needs_table(policy) ? choose(policy, thresholds) : nullptr;
    ResolvedPolicy resolved =
        file != nullptr && !file->says_placement
            ? resolved_as_asked(policy, shape, context, *file)
            : ResolvedPolicy(policy, shape, context, file != nullptr ? &file->table : nullptr,
                             file != nullptr ? file->path : "");
    PolicyRecord record = record_of(resolved, shape, file);
    plans.push_back({std::move(resolved), std::move(record)});
  }
  return plans;
}

}  // namespace toptheta::app
