// What every reader of thresholds checks before it believes a file.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "theta/table.hpp"

namespace toptheta {

// What a table may hold (docs/limits.md): heads of all layers together, and the same times the number of its
// targets. More is a damaged or hostile file: of 347 bytes it could otherwise ask for gigabytes.
inline constexpr std::int64_t kMaxCells = std::int64_t{1} << 18;
inline constexpr std::int64_t kMaxTargetCells = std::int64_t{1} << 21;

// What is wrong with one value.
struct Fault {
  std::string_view field;  // "theta", "count", ...
  std::string expected;
  std::string found;
};

// The first fault of an entry by itself, column by column (theta/columns.hpp).
std::optional<Fault> find_fault(const ThresholdEntry& entry);
// Of a shape: at least one layer and head, at most kMaxCells heads in all, num_kv_heads a divisor of
// num_heads (or 0).
std::optional<Fault> find_fault(const ModelShape& shape);
// Of what a table says about itself, other than its shape: finite add_sigma, 0 < row_fraction <= 1, at
// most kMostLengthBins length bins.
std::optional<Fault> find_fault(const TableMeta& meta);
// Of a number of targets: at most kMaxTargetCells heads in all of them.
std::optional<Fault> find_fault_of_targets(std::int64_t targets, const ModelShape& shape);
// Of the k of a target, of its layers and heads: each at least 1, and layer_k the smallest of head_k.
std::optional<Fault> find_fault(const Target& target);

}  // namespace toptheta
