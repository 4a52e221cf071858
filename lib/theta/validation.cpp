#include "theta/validation.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace toptheta {

namespace {

Fault fault(std::string_view field, std::string_view expected, double found) {
  return {field, std::string(expected), fmt::format("{}", found)};
}
Fault fault(std::string_view field, std::string_view expected, std::int64_t found) {
  return {field, std::string(expected), fmt::format("{}", found)};
}

bool finite_and_not_negative(double value) {
  return std::isfinite(value) && value >= 0;
}

bool fine_or_missing(double value) {
  return std::isnan(value) || finite_and_not_negative(value);
}

}  // namespace

std::optional<Fault> find_fault(const ThresholdEntry& entry) {
  if (entry.length < 1) return fault("length", "a row length of at least 1", std::int64_t{entry.length});
  if (!std::isfinite(entry.theta)) return fault("theta", "a finite number", entry.theta);
  if (!finite_and_not_negative(entry.std)) return fault("std", "a finite number of at least 0", entry.std);
  if (entry.count < 0) return fault("count", "a number of rows of at least 0", entry.count);
  if (!fine_or_missing(entry.sdc)) return fault("sdc", "a finite number of at least 0", entry.sdc);
  if (!fine_or_missing(entry.kept_mass))
    return fault("kept_mass", "a finite number of at least 0", entry.kept_mass);
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
  return std::nullopt;
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
