#include "tt_calibrate/sensitivity_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "io/json_reader.hpp"

namespace toptheta::app {

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// NaN where nothing was dropped.
double cost_of(const JsonValue& row) {
  const double loss = std::max({row.number("nll_difference"), row.number_or("stderr", 0), 0.0});
  const double mass = row.number("lost_mass");
  if (mass < 0 || mass > 1 + 1e-6) row.at("lost_mass").fail("not a share", "0 to 1");
  return mass > 0 ? loss / mass : kUnknown;
}

struct Parts {
  std::vector<double> cost;  // [layers] or [layers * heads]
  std::vector<bool> seen;
};

Parts read_parts(const JsonValue& answer, const ModelShape& shape, bool by_head) {
  Parts parts;
  parts.cost.resize(static_cast<std::size_t>(shape.num_layers * (by_head ? shape.num_heads : 1)));
  parts.seen.resize(parts.cost.size());
  for (const JsonValue& row : answer.elements("rows")) {
    const std::int64_t layer = row.integer("layer", 0, shape.num_layers - 1);
    const std::int64_t head = by_head ? row.integer("head", 0, shape.num_heads - 1) : 0;
    const auto part = static_cast<std::size_t>(by_head ? layer * shape.num_heads + head : layer);
    if (parts.seen[part]) row.fail("a layer or head that appears twice", "each once");
    parts.seen[part] = true;
    parts.cost[part] = cost_of(row);
  }
  const auto missing = std::ranges::find(parts.seen, false);
  if (missing != parts.seen.end())
    throw InputError(
        {.where = answer.where("rows"),
         .what = "belongs to another model than the table",
         .expected = fmt::format("{} layers of {} heads, each once", shape.num_layers, shape.num_heads),
         .found = fmt::format("{} rows, none for layer {}", std::ranges::count(parts.seen, true),
                              (missing - parts.seen.begin()) / (by_head ? shape.num_heads : 1))});
  return parts;
}

// What is not known is the others' mean, what is nothing the least that is something, since no head is free.
void fill(std::vector<double>& costs, const std::string& path) {
  double sum = 0;
  double known = 0;
  double least = std::numeric_limits<double>::infinity();
  for (const double cost : costs) {
    if (std::isnan(cost)) continue;
    sum += cost;
    known += 1;
    if (cost > 0) least = std::min(least, cost);
  }
  if (!(sum > 0))
    throw InputError({.where = path,
                      .what = "no layer or head loses anything",
                      .next = "measure with more examples or a smaller k, or leave --sensitivity out"});
  for (double& cost : costs)
    cost = std::isnan(cost) ? sum / known : std::max(cost, least);
}

}  // namespace

std::vector<double> read_sensitivity_weights(const std::string& path, const ModelShape& shape) {
  const JsonValue answer = read_json_file(path);
  if (!answer.is_object() || answer.text_or("schema", "") != "toptheta.sensitivity/1")
    answer.fail("not a sensitivity", "\"schema\": \"toptheta.sensitivity/1\"",
                "write it with tt-eval sensitivity --format json -o sensitivity.json");
  const std::string& per = answer.text("per");
  if (per != "layer" && per != "head") answer.at("per").fail("not known", "layer or head");
  const bool by_head = per == "head";
  std::vector<double> costs = read_parts(answer, shape, by_head).cost;
  fill(costs, path);
  if (by_head) return costs;
  std::vector<double> weights;
  for (const double cost : costs)
    weights.insert(weights.end(), static_cast<std::size_t>(shape.num_heads),
                   cost / static_cast<double>(shape.num_heads));
  return weights;
}

}  // namespace toptheta::app
