// The columns that a target is stored as.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "theta/columns.hpp"
#include "theta/table.hpp"

namespace toptheta {

// k as files hold them: -1 for kDenseK.
std::vector<std::int64_t> stored_k(std::vector<std::int64_t> k);

using ColumnValues = std::variant<std::vector<std::int32_t>, std::vector<std::int64_t>, std::vector<double>>;

// All of one size, sorted by layer, head and length.
struct TargetColumns {
  std::vector<std::int32_t> layer;
  std::vector<std::int32_t> head;
  // One for each of kThresholdColumns, of its type; nothing where the target has no value of the column and
  // files leave it out.
  std::array<std::optional<ColumnValues>, kThresholdColumns.size()> values;
};

// Calls use(name, vector) for layer, head and every column that is there, in the order of files.
template <class Use>
void for_each_column(const TargetColumns& columns, const Use& use) {
  use("layer", columns.layer);
  use("head", columns.head);
  for (std::size_t c = 0; c < kThresholdColumns.size(); ++c)
    if (columns.values[c])
      std::visit([&](const auto& values) { use(kThresholdColumns[c].name, values); }, *columns.values[c]);
}

TargetColumns columns_from(const Target& target, std::int64_t num_heads);

// The cells of a target of this shape. Throws InputError naming where/<column> and the entry for layers and
// heads outside the shape, values out of range, and entries that are out of order or appear twice. The
// columns must be of one size, and all but those of `only_where_present` there.
ThresholdCells cells_from(const TargetColumns& columns, const ModelShape& shape, const std::string& where);

}  // namespace toptheta
