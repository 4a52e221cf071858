// A threshold table for people: what it was made from, and its thresholds at the requested level of detail.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "report/listing.hpp"
#include "theta/table.hpp"

namespace toptheta {

struct ThresholdView {
  std::int64_t k = 0;                   // 0: all targets
  std::optional<std::int64_t> layer{};  // one row per head of this layer
  std::optional<std::int64_t> head{};   // with a layer: one row per row length
};

// The attributes of a table, for the heading of listings and for their JSON.
std::string table_heading(const TableMeta& meta);
nlohmann::ordered_json about_table(const TableMeta& meta);

// Throws UsageError for a layer or head that the table does not have.
void require_view(const ThresholdTable& table, const ThresholdView& view);

// Without layer and head: one row per target and layer. Means over rows are weighted by their number. There
// are columns for rho, and for the laws that take its place, where the targets shown have them. Throws
// UsageError for a k, layer or head that the table does not have.
Listing thresholds_listing(const ThresholdTable& table, const ThresholdView& view);

}  // namespace toptheta
