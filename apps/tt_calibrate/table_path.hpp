// Threshold tables in all their file formats, by the ending of the name.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/session.hpp"
#include "theta/table.hpp"

namespace toptheta::app {

enum class TableFormat { hdf5, json, csv, authors_text, npz, safetensors, c_header };

// "h5", "json", "csv", "txt", "npz", "safetensors", "h".
std::optional<TableFormat> table_format_from_name(std::string_view name);
// By `name` where it is given, else by the path's ending. Throws UsageError naming `flag`.
TableFormat resolve_table_format(const std::filesystem::path& path, const std::string& name,
                                 std::string_view flag);

// `placement` is what a th.txt does not say. Throws UsageError for the
// forms that cannot be read back.
ThresholdTable read_table(const std::filesystem::path& path, TableFormat format, Placement placement);
// HDF5 holds all targets whatever k; k = 0: all targets
// (a C header: the only one).
void write_table(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path,
                 TableFormat format);
// Warns where the table has curves and the form has no room for them.
void warn_of_lost_curves(const ThresholdTable& table, TableFormat format, Session& session);

}  // namespace toptheta::app
