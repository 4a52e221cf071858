// The checks that every reader of thresholds makes before it uses a file.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "theta/table.hpp"

namespace toptheta {

// How large a table may be (docs/limits.md): the number of heads in all layers together, and that times the
// number of targets. A larger one is a damaged or hostile file: a few hundred bytes could otherwise claim
// gigabytes of memory.
inline constexpr std::int64_t kMaxCells = std::int64_t{1} << 18;
inline constexpr std::int64_t kMaxTargetCells = std::int64_t{1} << 21;

// What is wrong with a value.
struct Fault {
  std::string_view field;  // "theta", "count", ...
  std::string expected;
  std::string found;
};

// The first fault of an entry, column by column (theta/columns.hpp); nullopt where it has none, here and
// below.
std::optional<Fault> find_fault(const ThresholdEntry& entry);
// A shape must have at least one layer and one head, at most kMaxCells heads in all, and num_kv_heads a
// divisor of num_heads (or 0).
std::optional<Fault> find_fault(const ModelShape& shape);
// A table's attributes other than its shape: add_sigma must be finite, 0 < row_fraction <= 1, kept positions
// not negative, and length_bins from 0 to kMostLengthBins.
std::optional<Fault> find_fault(const TableMeta& meta);
// The law of one head: its coefficients are finite, or all missing. The fault's field is "rho_law".
std::optional<Fault> find_fault(const RhoLaw& law);
// The number of targets: at most kMaxTargetCells heads in all of them together.
std::optional<Fault> find_fault_of_targets(std::int64_t targets, const ModelShape& shape);
// The k of a target, its layers and heads: each must be at least 1, and layer_k the smallest of head_k.
std::optional<Fault> find_fault(const Target& target);

}  // namespace toptheta
