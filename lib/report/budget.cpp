#include "report/budget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/json.hpp"
#include "report/number.hpp"

namespace toptheta {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Prediction& prediction) {
  Json json = {{"kept_elements", json_number(prediction.kept_elements)},
               {"kept_per_row", json_number(prediction.per_row)},
               {"v_rows", json_number(prediction.v_rows)},
               {"lost_mass", json_number(prediction.lost_mass)}};
  if (!std::isnan(prediction.cost)) json["nll_difference"] = json_number(prediction.cost);
  return json;
}

std::string describe(const Prediction& prediction) {
  return fmt::format(
      "{}% of the elements, {} per token, {}% of the V rows per decode step, lost mass {}{}",
      format_percent(prediction.kept_elements), format_number(prediction.per_row),
      format_percent(prediction.v_rows), format_number(prediction.lost_mass),
      std::isnan(prediction.cost) ? "" : fmt::format(", nll {} above dense", format_number(prediction.cost)));
}

std::string bound_text(const BudgetPlan& plan, const Budget& budget) {
  if (budget.kind == BudgetKind::lost_mass)
    return fmt::format("no choice keeps less than {}% with this lost mass", format_percent(plan.bound));
  if (budget.kind == BudgetKind::v_rows)
    return fmt::format("no choice that trades heads of a KV group by kept elements loses less than {}",
                       format_number(plan.bound));
  return fmt::format("no choice within the budget loses less than {}{}", format_number(plan.bound),
                     budget.weights.empty() ? "" : " nats by the sensitivities");
}

void add_rows(const BudgetPlan& plan, const Budget& budget, std::int64_t num_heads, Listing& listing) {
  const auto heads = static_cast<std::size_t>(num_heads);
  const bool by_layer = budget.unit == BudgetUnit::layer;
  listing.columns = {{"layer", "layer"}};
  if (!by_layer) listing.columns.push_back({"head", "head"});
  listing.columns.insert(listing.columns.end(),
                         {{"k", "k"}, {"kept", "kept a row"}, {"lost_mass", "lost mass"}});
  const std::size_t step = by_layer ? heads : 1;
  for (std::size_t cell = 0; cell < plan.head_k.size(); cell += step) {
    BudgetedHead mean;
    for (std::size_t i = cell; i < cell + step; ++i) {
      mean.kept += plan.heads[i].kept / static_cast<double>(step);
      mean.lost_mass += plan.heads[i].lost_mass / static_cast<double>(step);
    }
    std::vector<Json> row = {cell / heads};
    if (!by_layer) row.push_back(cell % heads);
    row.insert(row.end(), {format_k(plan.head_k[cell]), json_number(mean.kept), json_number(mean.lost_mass)});
    listing.rows.push_back(std::move(row));
  }
}

}  // namespace

std::string layer_k_flag(const std::vector<std::int64_t>& head_k, std::int64_t num_heads) {
  std::string text;
  for (std::size_t first = 0; first < head_k.size(); first += static_cast<std::size_t>(num_heads)) {
    const auto begin = head_k.begin() + static_cast<std::ptrdiff_t>(first);
    const std::int64_t k = mean_k({begin, begin + num_heads});
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", first / static_cast<std::size_t>(num_heads),
                        format_k(k));
  }
  return text;
}

Listing budget_listing(const BudgetPlan& plan, const Budget& budget, const TableMeta& meta) {
  Listing listing;
  listing.schema = "toptheta.budget/1";
  const std::string flag = layer_k_flag(plan.head_k, meta.shape.num_heads);
  listing.heading = fmt::format(
      "{} {}, a k for each {}, predicted from curves:\n  budget        {}\n"
      "  k = {:<8}  {}\n{}",
      name_of(budget.kind), budget.amount, name_of(budget.unit), describe(plan.predicted), plan.uniform_k,
      describe(plan.uniform), bound_text(plan, budget));
  listing.about = {{"budget", {{"kind", name_of(budget.kind)}, {"amount", json_number(budget.amount)}}},
                   {"per", name_of(budget.unit)},
                   {"predicted", json_of(plan.predicted)},
                   {"bound", json_number(plan.bound)},
                   {"uniform", json_of(plan.uniform)},
                   {"layer_k", flag},
                   {"provenance", json_of(meta.provenance)}};
  listing.about["uniform"]["k"] = plan.uniform_k;
  add_rows(plan, budget, meta.shape.num_heads, listing);
  listing.notes.push_back(budget.unit == BudgetUnit::layer
                              ? fmt::format("for fit and top-k: --layer-k {}", flag)
                              : fmt::format("the layers' mean k: --layer-k {}", flag));
  if (!budget.weights.empty())
    listing.notes.emplace_back(
        "nll above dense: the sensitivity of each layer or head times the mass it loses, added up as if they "
        "did not influence each other. tt-eval run measures the real value.");
  if (!(plan.predicted.v_rows == plan.predicted.v_rows)) return listing;
  listing.notes.emplace_back(
      "V rows: computed as if the heads of a KV group chose independently. They agree more than that, so "
      "fewer rows are read.");
  return listing;
}

}  // namespace toptheta
