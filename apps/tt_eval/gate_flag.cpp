#include "tt_eval/gate_flag.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/suggestion.hpp"
#include "core/error.hpp"

namespace toptheta::app {

void declare_fail_if(CLI::App& app, std::vector<std::string>& conditions, const std::string& description) {
  app.add_option("--fail-if", conditions, description)
      ->type_name("CONDITION")
      ->allow_extra_args(false)
      ->group("Gate");
}

std::vector<Condition> parse_conditions(const std::vector<std::string>& texts) {
  std::vector<Condition> conditions;
  conditions.reserve(texts.size());
  for (const std::string& text : texts)
    conditions.push_back(parse_condition(text));
  return conditions;
}

void require_metrics(const std::vector<std::string>& metrics, const std::vector<CellResult>& cells) {
  std::set<std::string> known;
  for (const CellResult& cell : cells)
    for (const auto& [name, value] : cell.values)
      known.insert(name);
  for (const std::string& metric : metrics) {
    if (known.contains(metric)) continue;
    const std::string nearest = nearest_name(metric, {known.begin(), known.end()});
    throw UsageError({.where = "--metric",
                      .what = fmt::format("no result has '{}'", metric),
                      .expected = fmt::format("one of {}", fmt::join(known, ", ")),
                      .next = nearest.empty() ? "" : fmt::format("did you mean {}?", nearest)});
  }
}

void require_passed(const std::vector<std::string>& failures) {
  if (failures.empty()) return;
  std::string text;
  for (const std::string& failure : failures)
    text += "\n  " + failure;
  throw Error(ExitStatus::check_failed,
              {.where = "--fail-if",
               .what = (failures.size() == 1 ? "a condition holds"
                                             : fmt::format("{} conditions hold", failures.size())) +
                       text});
}

}  // namespace toptheta::app
