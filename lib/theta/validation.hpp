// What every reader of thresholds checks before it believes a file.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "theta/table.hpp"

namespace toptheta {

// Heads of all layers that a table may have; more is a damaged or hostile file.
inline constexpr std::int64_t kMaxCells = std::int64_t{1} << 22;

// What is wrong with one value.
struct Fault {
  std::string_view field;  // "theta", "count", ...
  std::string expected;
  std::string found;
};

// The first fault of an entry by itself: lengths count from 1, counts from 0; theta is finite, std finite and
// not negative, sdc and kept_mass the same or not calibrated.
std::optional<Fault> find_fault(const ThresholdEntry& entry);
// Of a shape: at least one layer and head, at most kMaxCells heads in all, num_kv_heads a divisor of
// num_heads (or 0).
std::optional<Fault> find_fault(const ModelShape& shape);
// Of what a table says about itself, other than its shape: finite add_sigma, 0 < row_fraction <= 1.
std::optional<Fault> find_fault(const TableMeta& meta);
// Of the k of a target, of its layers and heads: each at least 1, and layer_k the smallest of head_k.
std::optional<Fault> find_fault(const Target& target);

}  // namespace toptheta
