#include "theta/validation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "theta/columns.hpp"
#include "theta/length_bins.hpp"

namespace toptheta {

namespace {

Fault fault(std::string_view field, std::string_view expected, double found) {
  return {field, std::string(expected), fmt::format("{}", found)};
}
Fault fault(std::string_view field, std::string_view expected, std::int64_t found) {
  return {field, std::string(expected), fmt::format("{}", found)};
}

}  // namespace

std::optional<Fault> find_fault(const ThresholdEntry& entry) {
  for (const ThresholdColumn& column : kThresholdColumns) {
    const double value = column_value(entry, column);
    if (column.may_be_missing && std::isnan(value)) continue;
    if (!std::isfinite(value) || value < column.least || value > column.most)
      return fault(column.name, column.expected, value);
  }
  return std::nullopt;
}

std::optional<Fault> find_fault(const ModelShape& shape) {
  if (shape.num_layers < 1) return fault("num_layers", "at least 1", shape.num_layers);
  if (shape.num_heads < 1) return fault("num_heads", "at least 1", shape.num_heads);
  if (shape.num_layers > kMaxCells)
    return fault("num_layers", fmt::format("at most {}", kMaxCells), shape.num_layers);
  if (shape.num_heads > kMaxCells / shape.num_layers)
    return fault("num_heads", fmt::format("at most {} heads in all layers together", kMaxCells),
                 shape.num_heads);
  if (shape.num_kv_heads < 0 || (shape.num_kv_heads > 0 && shape.num_heads % shape.num_kv_heads != 0))
    return fault("num_kv_heads",
                 fmt::format("a divisor of {} query heads, or 0 for unknown", shape.num_heads),
                 shape.num_kv_heads);
  if (shape.head_dim < 0) return fault("head_dim", "at least 1, or 0 for unknown", shape.head_dim);
  return std::nullopt;
}

std::optional<Fault> find_fault(const TableMeta& meta) {
  if (!std::isfinite(meta.add_sigma)) return fault("add_sigma", "a finite number", meta.add_sigma);
  if (!(meta.row_fraction > 0 && meta.row_fraction <= 1))
    return fault("row_fraction", "above 0 and at most 1", meta.row_fraction);
  if (meta.kept.first < 0) return fault("keep_first", "at least 0", meta.kept.first);
  if (meta.kept.recent < 0) return fault("keep_recent", "at least 0", meta.kept.recent);
  if (meta.length_bins < 0 || meta.length_bins > kMostLengthBins)
    return fault("length_bins", fmt::format("0 to {}", kMostLengthBins), meta.length_bins);
  return std::nullopt;
}

std::optional<Fault> find_fault(const RhoLaw& law) {
  const auto missing = [](double c) { return std::isnan(c); };
  if (missing(law.constant) && missing(law.of_length) && missing(law.of_kept)) return std::nullopt;
  for (const double c : {law.constant, law.of_length, law.of_kept})
    if (!std::isfinite(c)) return fault("rho_law", "three finite numbers, or none of the three", c);
  return std::nullopt;
}

std::optional<Fault> find_fault_of_targets(std::int64_t targets, const ModelShape& shape) {
  const std::int64_t most = kMaxTargetCells / (shape.num_layers * shape.num_heads);
  if (targets <= most) return std::nullopt;
  return fault("targets",
               fmt::format("at most {} for {} layers of {} heads", most, shape.num_layers, shape.num_heads),
               targets);
}

std::optional<Fault> find_fault(const Target& target) {
  if (target.k < 1) return fault("k", "at least 1", target.k);
  const auto bad =
      std::find_if(target.layer_k.begin(), target.layer_k.end(), [](std::int64_t k) { return k < 1; });
  if (bad != target.layer_k.end()) return fault("layer_k", "at least 1 for every layer", *bad);
  if (target.head_k.empty()) return std::nullopt;
  const auto bad_head =
      std::find_if(target.head_k.begin(), target.head_k.end(), [](std::int64_t k) { return k < 1; });
  if (bad_head != target.head_k.end()) return fault("head_k", "at least 1 for every head", *bad_head);
  const auto heads = static_cast<std::int64_t>(target.head_k.size() / target.layer_k.size());
  const std::vector<std::int64_t> smallest = layer_k_of(target.head_k, heads);
  for (std::size_t layer = 0; layer < smallest.size(); ++layer)
    if (target.layer_k[layer] != smallest[layer])
      return fault("layer_k", fmt::format("{}, the smallest head_k of layer {}", smallest[layer], layer),
                   target.layer_k[layer]);
  return std::nullopt;
}

}  // namespace toptheta
