#include "sweep/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"

namespace toptheta {

namespace {

// What conditions on one cell may refer to.
struct Surroundings {
  const CellResult& cell;
  const CellResult* dense = nullptr;
  const CellResult* first = nullptr;
};

[[noreturn]] void refuse(const Condition& condition, const std::string& what, const std::string& expected) {
  throw UsageError(
      {.where = fmt::format("--fail-if '{}'", condition.text), .what = what, .expected = expected});
}

std::string names_of(const std::vector<CellResult>& cells) {
  std::set<std::string> names;
  for (const CellResult& cell : cells)
    for (const auto& [name, value] : cell.values)
      names.insert(name);
  return fmt::format("one of {}", fmt::join(names, ", "));
}

double value_in(const Condition& condition, const Surroundings& around, ConditionSide side,
                const std::string& metric) {
  if (side == ConditionSide::own) return around.cell.values.at(metric).value;
  const bool dense = side == ConditionSide::dense;
  const CellResult* const other = dense ? around.dense : around.first;
  if (other == nullptr)
    refuse(condition, fmt::format("{} has nothing to be compared with", around.cell.name),
           dense ? "a dense run of the same task and phase in the same results"
                 : "two results, where A has the same cell as B");
  const auto value = other->values.find(metric);
  if (value == other->values.end())
    refuse(condition, fmt::format("{} has no metric '{}'", other->name, metric), names_of({*other}));
  return value->second.value;
}

// "acc is 0.4, dense 0.5"
std::string figures_of(const Condition& condition, const Surroundings& around) {
  std::string text;
  const auto add = [&](const std::string& metric, const CellResult* other, const char* title) {
    if (other == nullptr || !other->values.contains(metric)) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", title, other->values.at(metric).value);
  };
  for (const std::string& metric : condition.metrics) {
    add(metric, &around.cell, (metric + " is").c_str());
    if (condition.asks(ConditionSide::dense)) add(metric, around.dense, "dense");
    if (condition.asks(ConditionSide::first)) add(metric, around.first, "A");
  }
  return text;
}

bool has_all(const CellResult& cell, const std::vector<std::string>& metrics) {
  return std::ranges::all_of(metrics, [&](const std::string& name) { return cell.values.contains(name); });
}

}  // namespace

std::vector<std::string> failures_of(std::span<const Condition> conditions,
                                     const std::vector<CellResult>& cells,
                                     const std::vector<CellResult>* first) {
  const bool sparse = std::ranges::any_of(cells, [](const CellResult& cell) { return !cell.is_dense(); });
  std::vector<std::string> failures;
  for (const Condition& condition : conditions) {
    if (std::ranges::none_of(cells, [&](const CellResult& cell) { return has_all(cell, condition.metrics); }))
      refuse(condition, fmt::format("no result has {}", fmt::join(condition.metrics, " and ")),
             names_of(cells));
    for (const CellResult& cell : cells) {
      if (!has_all(cell, condition.metrics)) continue;
      if (cell.is_dense() && sparse && !condition.asks(ConditionSide::first)) continue;
      const Surroundings around{cell, dense_beside(cells, cell),
                                first == nullptr ? nullptr : partner_of(cell, cells, *first)};
      const auto values = [&](ConditionSide side, const std::string& metric) {
        return value_in(condition, around, side, metric);
      };
      if (condition.holds(values))
        failures.push_back(
            fmt::format("'{}' holds for {}: {}", condition.text, cell.name, figures_of(condition, around)));
    }
  }
  return failures;
}

const CellResult* partner_of(const CellResult& cell, const std::vector<CellResult>& cells,
                             const std::vector<CellResult>& first) {
  for (const bool by_identity : {false, true})
    if (const CellResult* const same = find_cell(first, by_identity ? cell.identity : cell.name, by_identity))
      return same;
  const auto is_alike = [&cell](const CellResult& other) {
    return other.task == cell.task && other.phase == cell.phase;
  };
  if (std::ranges::count_if(cells, is_alike) != 1 || std::ranges::count_if(first, is_alike) != 1)
    return nullptr;
  return &*std::ranges::find_if(first, is_alike);
}

}  // namespace toptheta
