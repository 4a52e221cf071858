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

const std::vector<std::int32_t>& lengths_of(const TargetColumns& columns) {
  return std::get<std::vector<std::int32_t>>(
      columns.values[0].value());  // length is the first of the columns
}

ThresholdEntry entry_from(const TargetColumns& columns, std::size_t i) {
  ThresholdEntry entry;
  for (std::size_t c = 0; c < kThresholdColumns.size(); ++c)
    std::visit(
        [&](auto member) {
          using Values = std::vector<decltype(value_type_of(member))>;
          if (columns.values[c]) entry.*member = std::get<Values>(*columns.values[c])[i];
        },
        kThresholdColumns[c].member);
  return entry;
}

void require_order(const TargetColumns& columns, const std::vector<std::int32_t>& lengths, std::size_t i,
                   const std::string& where) {
  if (i == 0) return;
  const auto place = [&](std::size_t at) {
    return std::tuple(columns.layer[at], columns.head[at], lengths[at]);
  };
  if (place(i - 1) < place(i)) return;
  const auto text = [&](std::size_t at) {
    return fmt::format("layer {}, head {}, length {}", columns.layer[at], columns.head[at], lengths[at]);
  };
  throw InputError({.where = fmt::format("{}/length[{}]", where, i),
                    .what = place(i - 1) == place(i) ? "an entry appears twice" : "entries out of order",
                    .expected = "ascending by layer, head and length",
                    .found = fmt::format("{} after {}", text(i), text(i - 1))});
}

}  // namespace

std::vector<std::int64_t> stored_k(std::vector<std::int64_t> k) {
  std::replace(k.begin(), k.end(), kDenseK, std::int64_t{-1});
  return k;
}

std::vector<double> stored_rho_laws(const Target& target) {
  std::vector<double> stored;
  stored.reserve(3 * target.cells.size());
  for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
    const RhoLaw law = target.rho_law_of(cell);
    stored.insert(stored.end(), {law.constant, law.of_length, law.of_kept});
  }
  return stored;
}

std::vector<RhoLaw> rho_laws_from(const std::vector<double>& stored, const std::string& where) {
  std::vector<RhoLaw> laws;
  for (std::size_t i = 0; i + 2 < stored.size(); i += 3) {
    laws.push_back({stored[i], stored[i + 1], stored[i + 2]});
    if (const auto fault = find_fault(laws.back()))
      throw InputError({.where = fmt::format("{}/rho_law[{}]", where, laws.size() - 1),
                        .what = "a value out of range",
                        .expected = fault->expected,
                        .found = fault->found});
  }
  return laws;
}

TargetColumns columns_from(const Target& target, std::int64_t num_heads) {
  TargetColumns columns;
  for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
    const auto index = static_cast<std::int64_t>(cell);
    columns.layer.insert(columns.layer.end(), target.cells[cell].size(),
                         static_cast<std::int32_t>(index / num_heads));
    columns.head.insert(columns.head.end(), target.cells[cell].size(),
                        static_cast<std::int32_t>(index % num_heads));
  }
  for (std::size_t c = 0; c < kThresholdColumns.size(); ++c) {
    if (!is_written(kThresholdColumns[c], target.cells)) continue;
    std::visit(
        [&](auto member) {
          std::vector<decltype(value_type_of(member))> values;
          values.reserve(columns.layer.size());
          for (const std::vector<ThresholdEntry>& entries : target.cells)
            for (const ThresholdEntry& entry : entries)
              values.push_back(entry.*member);
          columns.values[c] = std::move(values);
        },
        kThresholdColumns[c].member);
  }
  return columns;
}

ThresholdCells cells_from(const TargetColumns& columns, const ModelShape& shape, const std::string& where) {
  const std::vector<std::int32_t>& lengths = lengths_of(columns);
  ThresholdCells cells(static_cast<std::size_t>(shape.num_layers * shape.num_heads));
  for (std::size_t i = 0; i < columns.layer.size(); ++i) {
    const ThresholdEntry entry = entry_from(columns, i);
    std::optional<Fault> fault = find_fault_of_place(columns.layer[i], columns.head[i], shape);
    if (!fault) fault = find_fault(entry);
    if (fault)
      throw InputError({.where = fmt::format("{}/{}[{}]", where, fault->field, i),
                        .what = "a value out of range",
                        .expected = fault->expected,
                        .found = fault->found});
    require_order(columns, lengths, i, where);
    cells[static_cast<std::size_t>(columns.layer[i] * shape.num_heads + columns.head[i])].push_back(entry);
  }
  return cells;
}

}  // namespace toptheta
