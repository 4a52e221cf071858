// The file formats of threshold tables: one list that reading, writing, help and error messages use. A new
// format is a source of its own, a name here and a line in table_formats.cpp.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/names.hpp"
#include "theta/table.hpp"

namespace toptheta {

enum class TableFormat { hdf5, json, csv, authors_text, npz, safetensors, c_header };

// The names are also the endings of files.
template <>
inline constexpr auto kNames<TableFormat> =
    std::to_array<Named<TableFormat>>({{TableFormat::hdf5, "h5"},
                                       {TableFormat::hdf5, "hdf5"},
                                       {TableFormat::json, "json"},
                                       {TableFormat::csv, "csv"},
                                       {TableFormat::authors_text, "txt"},
                                       {TableFormat::npz, "npz"},
                                       {TableFormat::safetensors, "safetensors"},
                                       {TableFormat::c_header, "h"}});

// The format that the path's ending names. Throws UsageError whose place is `flag`.
TableFormat resolve_table_format(const std::filesystem::path& path, std::string_view flag);

// The same for a file that is to be read. Throws UsageError whose place is the file, and InputError for a
// directory.
TableFormat input_table_format(const std::filesystem::path& path);

// ".h5, .json, .csv or .txt": the endings of all formats, or only of those that can be read back.
std::string listed_endings(bool readable_only);

// Whether read_table() reads the format; the others are for other programs.
bool can_be_read(TableFormat format);

// Whether files of the format hold their placement, model and provenance.
bool says_placement(TableFormat format);

// Reads a table. `placement` is for formats that do not hold it (th.txt and CSV). Throws UsageError for
// formats that cannot be read back, otherwise as the reader of the format.
ThresholdTable read_table(const std::filesystem::path& path, TableFormat format,
                          Placement placement = Placement::pre_softmax);
// Writes a table. k = 0: all targets; in a C header, the only one.
void write_table(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path,
                 TableFormat format);

}  // namespace toptheta
