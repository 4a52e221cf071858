// A threshold table for people's eyes: what it was made from, and its thresholds at the level of detail asked
// for.
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

// What a table says about itself: above a listing for people, and in its JSON form.
std::string table_heading(const TableMeta& meta);
nlohmann::ordered_json about_table(const TableMeta& meta);

// Throws UsageError for a layer or head that the table has not.
void require_view(const ThresholdTable& table, const ThresholdView& view);

// Without layer and head: one row per target and layer. Means over rows are weighted by their number. Throws
// UsageError for a k, layer or head that the table has not.
Listing thresholds_listing(const ThresholdTable& table, const ThresholdView& view);

}  // namespace toptheta
