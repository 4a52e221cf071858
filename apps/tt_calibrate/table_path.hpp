// Threshold tables in all their file formats, by the ending of the name.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/session.hpp"
#include "theta/table.hpp"

namespace toptheta {

namespace app {
enum class TableFormat { hdf5, json, csv, authors_text, npz, safetensors, c_header };
}  // namespace app

// Names are endings of files as well.
template <>
inline constexpr auto kNames<app::TableFormat> =
    std::to_array<Named<app::TableFormat>>({{app::TableFormat::hdf5, "h5"},
                                            {app::TableFormat::hdf5, "hdf5"},
                                            {app::TableFormat::json, "json"},
                                            {app::TableFormat::csv, "csv"},
                                            {app::TableFormat::authors_text, "txt"},
                                            {app::TableFormat::npz, "npz"},
                                            {app::TableFormat::safetensors, "safetensors"},
                                            {app::TableFormat::c_header, "h"}});

}  // namespace toptheta

namespace toptheta::app {

// By the path's ending. Throws UsageError naming `flag`.
TableFormat resolve_table_format(const std::filesystem::path& path, std::string_view flag);

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
