#include "page/tables.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "theta/formats/table_formats.hpp"
#include "theta/unused_entries.hpp"

namespace toptheta::page {

namespace {

namespace fs = std::filesystem;

std::string digest_in(const Cell& cell, const std::string& path) {
  for (const InputFile& input : cell.provenance.inputs)
    if (input.path == path) return input.sha256;
  return "";
}

Placement placement_of(const Cell& cell) {
  return value_named<Placement>(cell.policy.placement).value_or(Placement::pre_softmax);
}

// Throws InputError or UsageError as read_table does.
void read_into(NamedTable& named, const Cell& cell, const fs::path& results) {
  const std::vector<fs::path> places = {named.path, results / named.path, results.parent_path() / named.path};
  const auto found = std::find_if(places.begin(), places.end(), [](const fs::path& place) {
    std::error_code error;
    return fs::is_regular_file(place, error);
  });
  if (found == places.end()) {
    named.problem = "the file does not exist";
    return;
  }
  if (!named.digest.empty() && sha256_of_path(*found) != named.digest) {
    named.problem = "the file has changed since the results were made";
    return;
  }
  named.table = read_table(*found, input_table_format(*found), placement_of(cell));
  take_out_unused(named.table);  // the run named them
  require_shape(named.table, {cell.model.layers, cell.model.heads, cell.model.kv_heads, cell.model.head_dim},
                named.path);
}

}  // namespace

std::vector<NamedTable> tables_of(const std::vector<Cell>& cells, const fs::path& results) {
  std::vector<NamedTable> tables;
  for (const Cell& cell : cells) {
    const std::string& path = cell.policy.thresholds;
    const std::string digest = digest_in(cell, path);
    const auto same = [&](const NamedTable& known) { return known.path == path && known.digest == digest; };
    if (path.empty() || std::any_of(tables.begin(), tables.end(), same)) continue;
    NamedTable& named = tables.emplace_back(NamedTable{path, digest, {}, ""});
    try {
      read_into(named, cell, results);
    } catch (const Error& error) {
      named.problem = error.problem().what;
    }
  }
  return tables;
}

}  // namespace toptheta::page
