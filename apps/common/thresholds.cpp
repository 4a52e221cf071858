#include "common/thresholds.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "theta/unused_entries.hpp"

namespace toptheta::app {

void tell_unused(const ThresholdTable& table, const std::string& path, TableFormat format, Console& console) {
  for (const std::string& unused : describe_unused(table, path))
    console.warn(unused, "");
  if (const std::string outside = describe_no_weights(table, path); !outside.empty())
    console.warn(outside, "are they scores before the softmax?");
  if (says_placement(format)) return;
  if (const std::string dense = describe_without_lines(table, path); !dense.empty()) console.note(dense);
}

ThresholdTable read_thresholds(const std::filesystem::path& path, Console& console,
                               std::optional<Placement> placement) {
  const TableFormat format = input_table_format(path);
  ThresholdTable table = read_table(path, format, placement.value_or(Placement::pre_softmax));
  require_placement(table, placement);
  if (!placement && !says_placement(format))
    console.note(fmt::format("{} does not record its placement, so its thresholds are taken as {}",
                             path.string(), name_of(table.meta.placement)));
  tell_unused(table, path.string(), format, console);
  take_out_unused(table);
  return table;
}

void require_placement(const ThresholdTable& table, std::optional<Placement> placement) {
  if (!placement || *placement == table.meta.placement) return;
  throw UsageError({.where = "--placement",
                    .what = "contradicts the table",
                    .expected = std::string(name_of(table.meta.placement)),
                    .found = std::string(name_of(*placement)),
                    .next = "leave --placement out"});
}

}  // namespace toptheta::app
