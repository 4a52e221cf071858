#include "theta/formats/table_columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "core/error.hpp"
#include "theta/validation.hpp"

namespace toptheta {

namespace {

std::optional<Fault> find_fault_of_place(std::int32_t layer, std::int32_t head, const ModelShape& shape) {
  if (layer < 0 || layer >= shape.num_layers)
    return Fault{"layer", fmt::format("0 to {}", shape.num_layers - 1), fmt::format("{}", layer)};
  if (head < 0 || head >= shape.num_heads)
    return Fault{"head", fmt::format("0 to {}", shape.num_heads - 1), fmt::format("{}", head)};
  return std::nullopt;
}

void require_order(const TargetColumns& columns, std::size_t i, const std::string& where) {
  if (i == 0) return;
  const auto place = [&columns](std::size_t at) {
    return std::tuple(columns.layer[at], columns.head[at], columns.length[at]);
  };
  if (place(i - 1) < place(i)) return;
  const auto text = [&columns](std::size_t at) {
    return fmt::format("layer {}, head {}, length {}", columns.layer[at], columns.head[at],
                       columns.length[at]);
  };
  throw InputError({.where = fmt::format("{}/length[{}]", where, i),
                    .what = place(i - 1) == place(i) ? "an entry stands twice" : "entries out of order",
                    .expected = "ascending by layer, head and length",
                    .found = fmt::format("{} after {}", text(i), text(i - 1))});
}

}  // namespace

std::vector<std::int64_t> stored_k(std::vector<std::int64_t> k) {
  std::replace(k.begin(), k.end(), kDenseK, std::int64_t{-1});
  return k;
}

TargetColumns columns_from(const Target& target, std::int64_t num_heads) {
  TargetColumns columns;
  for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
    for (const ThresholdEntry& entry : target.cells[cell]) {
      columns.layer.push_back(static_cast<std::int32_t>(static_cast<std::int64_t>(cell) / num_heads));
      columns.head.push_back(static_cast<std::int32_t>(static_cast<std::int64_t>(cell) % num_heads));
      columns.length.push_back(entry.length);
      columns.theta.push_back(entry.theta);
      columns.std.push_back(entry.std);
      columns.count.push_back(entry.count);
      columns.sdc.push_back(entry.sdc);
      columns.kept_mass.push_back(entry.kept_mass);
    }
  }
  return columns;
}

std::vector<std::vector<ThresholdEntry>> cells_from(const TargetColumns& columns, const ModelShape& shape,
                                                    const std::string& where) {
  std::vector<std::vector<ThresholdEntry>> cells(
      static_cast<std::size_t>(shape.num_layers * shape.num_heads));
  for (std::size_t i = 0; i < columns.layer.size(); ++i) {
    const ThresholdEntry entry{columns.length[i], columns.theta[i], columns.std[i],
                               columns.count[i],  columns.sdc[i],   columns.kept_mass[i]};
    std::optional<Fault> fault = find_fault_of_place(columns.layer[i], columns.head[i], shape);
    if (!fault) fault = find_fault(entry);
    if (fault)
      throw InputError({.where = fmt::format("{}/{}[{}]", where, fault->field, i),
                        .what = "a value out of range",
                        .expected = fault->expected,
                        .found = fault->found});
    require_order(columns, i, where);
    cells[static_cast<std::size_t>(columns.layer[i] * shape.num_heads + columns.head[i])].push_back(entry);
  }
  return cells;
}

}  // namespace toptheta
