// The columns in which formats store a target.
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

// The values of k as files hold them: -1 for kDenseK.
std::vector<std::int64_t> stored_k(std::vector<std::int64_t> k);

using ColumnValues = std::variant<std::vector<std::int32_t>, std::vector<std::int64_t>, std::vector<double>>;

// All columns have the same size and are sorted by layer, head and length.
struct TargetColumns {
  std::vector<std::int32_t> layer;
  std::vector<std::int32_t> head;
  // One for each of kThresholdColumns, of its type; nothing where files leave the column out because the
  // target has no values for it.
  std::array<std::optional<ColumnValues>, kThresholdColumns.size()> values;
};

// Calls use(name, vector) for layer, head and each column that is there, in the order of files.
template <class Use>
void for_each_column(const TargetColumns& columns, const Use& use) {
  use("layer", columns.layer);
  use("head", columns.head);
  for (std::size_t c = 0; c < kThresholdColumns.size(); ++c)
    if (columns.values[c])
      std::visit([&](const auto& values) { use(kThresholdColumns[c].name, values); }, *columns.values[c]);
}

// The laws of a target as files hold them: c0, c1 and c2 of each head, [num_layers * num_heads][3], NaN where
// a head has none.
inline constexpr std::int64_t kLawTerms = 3;
std::vector<double> stored_rho_laws(const Target& target);
// The reverse. Throws InputError naming where/rho_law and the head for a law that is not finite.
std::vector<RhoLaw> rho_laws_from(const std::vector<double>& stored, const std::string& where);

TargetColumns columns_from(const Target& target, std::int64_t num_heads);

// The cells of a target, [num_layers * num_heads]. Throws InputError naming where/<column> and the entry for
// a layer or head outside the shape, a value out of range, and an entry that is out of order or appears
// twice. The columns must have the same size, and only those with `only_where_present` may be absent.
ThresholdCells cells_from(const TargetColumns& columns, const ModelShape& shape, const std::string& where);

}  // namespace toptheta
