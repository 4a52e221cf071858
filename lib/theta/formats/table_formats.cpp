#include "theta/formats/table_formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

#include "core/error.hpp"
#include "io/regular_file.hpp"
#include "theta/formats/array_files.hpp"
#include "theta/formats/authors_text.hpp"
#include "theta/formats/c_header.hpp"
#include "theta/formats/csv.hpp"
#include "theta/formats/json.hpp"
#include "theta/formats/table_file.hpp"

namespace toptheta {

namespace {

struct FormatFunctions {
  TableFormat format;
  void (*write)(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);
  ThresholdTable (*read)(const std::filesystem::path& path,
                         Placement placement);  // null where the format is for export only
  bool says_placement = true;
};

void write_hdf5(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path) {
  if (k == 0) return save_table(table, path);
  save_table(ThresholdTable{table.meta, {table.target(k)}, table.curves}, path);
}

ThresholdTable read_hdf5(const std::filesystem::path& path, Placement /*placement*/) {
  return load_table(path);
}

ThresholdTable read_json_table(const std::filesystem::path& path, Placement /*placement*/) {
  return read_json(path);
}

constexpr auto kFormats = std::to_array<FormatFunctions>({
    {TableFormat::hdf5, write_hdf5, read_hdf5},
    {TableFormat::json, write_json, read_json_table},
    {TableFormat::csv, write_csv, read_csv, false},
    {TableFormat::authors_text, write_authors_thresholds, read_authors_thresholds, false},
    {TableFormat::npz, write_npz, nullptr},
    {TableFormat::safetensors, write_safetensors, nullptr},
    {TableFormat::c_header, write_c_header, nullptr},
});

const FormatFunctions& functions_of(TableFormat format) {
  const auto found = std::find_if(kFormats.begin(), kFormats.end(),
                                  [format](const FormatFunctions& known) { return known.format == format; });
  assert(found != kFormats.end());
  return *found;
}

std::optional<TableFormat> format_by_ending(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension.empty()) return std::nullopt;
  return value_named<TableFormat>(std::string_view(extension).substr(1));
}

}  // namespace

TableFormat resolve_table_format(const std::filesystem::path& path, std::string_view flag) {
  if (const auto format = format_by_ending(path)) return *format;
  throw UsageError({.where = std::string(flag),
                    .what = "unknown format of a threshold table",
                    .expected = "a name ending in " + listed_endings(false) + " (.txt: the authors' th.txt)",
                    .found = fmt::format("'{}'", path.string()),
                    .next = "rename the file, or name the format"});
}

TableFormat input_table_format(const std::filesystem::path& path) {
  if (const auto format = format_by_ending(path)) return *format;
  require_regular_file(path);
  throw UsageError({.where = path.string(),
                    .what = "no threshold table, by its name",
                    .expected = "a name ending in " + listed_endings(true) + " (.txt: the authors' th.txt)",
                    .next = "give a table that tt-calibrate fit -o wrote, or rename the file"});
}

std::string listed_endings(bool readable_only) {
  std::vector<std::string> endings;
  for (const FormatFunctions& known : kFormats)
    if (!readable_only || known.read != nullptr) endings.push_back(fmt::format(".{}", name_of(known.format)));
  const std::vector<std::string_view> views(endings.begin(), endings.end());
  return listed(views);
}

bool can_be_read(TableFormat format) {
  return functions_of(format).read != nullptr;
}

bool says_placement(TableFormat format) {
  return functions_of(format).says_placement;
}

ThresholdTable read_table(const std::filesystem::path& path, TableFormat format, Placement placement) {
  const FormatFunctions& functions = functions_of(format);
  if (functions.read != nullptr) return functions.read(path, placement);
  throw UsageError({.where = path.string(),
                    .what = "a threshold table cannot be read from this format, which is for other programs",
                    .next = "convert from " + listed_endings(true)});
}

void write_table(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path,
                 TableFormat format) {
  functions_of(format).write(table, k, path);
}

}  // namespace toptheta
