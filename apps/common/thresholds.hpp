// Threshold tables on the command line.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/console.hpp"
#include "theta/formats/table_formats.hpp"

namespace toptheta::app {

// Names on the console the thresholds that no row can use (theta/unused_entries.hpp), those that contradict
// the placement and, for th.txt and CSV, the layers and heads that stay dense because the file has no lines
// of them.
void tell_unused(const ThresholdTable& table, const std::string& path, TableFormat format, Console& console);

// Reads a table in the format that its ending names, tells what is not used, and takes it out. `placement` is
// what --placement says, if it is given; without it, the thresholds of a file that does not record its
// placement are taken as pre-softmax, and a note says so. Throws as input_table_format() and read_table(),
// and UsageError for a table of another placement than `placement`.
ThresholdTable read_thresholds(const std::filesystem::path& path, Console& console,
                               std::optional<Placement> placement = {});

// Throws UsageError if --placement is given and is not that of the table.
void require_placement(const ThresholdTable& table, std::optional<Placement> placement);

}  // namespace toptheta::app
