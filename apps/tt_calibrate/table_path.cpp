#include "tt_calibrate/table_path.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "theta/formats/array_files.hpp"
#include "theta/formats/authors_text.hpp"
#include "theta/formats/c_header.hpp"
#include "theta/formats/csv.hpp"
#include "theta/formats/json.hpp"
#include "theta/formats/table_file.hpp"

namespace toptheta::app {

TableFormat resolve_table_format(const std::filesystem::path& path, std::string_view flag) {
  const std::string extension = path.extension().string();
  if (!extension.empty())
    if (const auto format = value_named<TableFormat>(std::string_view(extension).substr(1))) return *format;
  throw UsageError({.where = std::string(flag),
                    .what = "the format of a threshold table is not known",
                    .expected = "a name ending in .h5, .json, .csv, .txt (the authors' th.txt), .npz, "
                                ".safetensors or .h",
                    .found = fmt::format("'{}'", path.string()),
                    .next = "rename the file or say the format"});
}

ThresholdTable read_table(const std::filesystem::path& path, TableFormat format, Placement placement) {
  switch (format) {
    case TableFormat::hdf5:
      return load_table(path);
    case TableFormat::json:
      return read_json(path);
    case TableFormat::authors_text:
      return read_authors_thresholds(path, placement);
    case TableFormat::csv:
    case TableFormat::npz:
    case TableFormat::safetensors:
    case TableFormat::c_header:
      break;
  }
  throw UsageError(
      {.where = path.string(),
       .what = "a threshold table cannot be read back from this form, which is for other programs",
       .next = "convert from .h5, .json or .txt"});
}

void warn_of_lost_curves(const ThresholdTable& table, TableFormat format, Session& session) {
  if (table.curves.empty() || format == TableFormat::hdf5) return;
  session.console.warn("the output has no room for the table's curves: no other k can be found from it",
                       "write .h5 for retarget, or the curves alone with convert --what curve -o curve.csv");
}

void write_table(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path,
                 TableFormat format) {
  switch (format) {
    case TableFormat::hdf5: {
      if (k == 0) return save_table(table, path);
      return save_table(ThresholdTable{table.meta, {table.target(k)}, table.curves}, path);
    }
    case TableFormat::json:
      return write_json(table, k, path);
    case TableFormat::csv:
      return write_csv(table, k, path);
    case TableFormat::authors_text:
      return write_authors_thresholds(table, k, path);
    case TableFormat::npz:
      return write_npz(table, k, path);
    case TableFormat::safetensors:
      return write_safetensors(table, k, path);
    case TableFormat::c_header:
      return write_c_header(table, k, path);
  }
}

}  // namespace toptheta::app
