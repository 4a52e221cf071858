#include "page/cell.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.hpp"
#include "page/read_cell.hpp"
#include "page/series.hpp"

namespace toptheta::page {

namespace {

namespace fs = std::filesystem;

const Estimate* find(const std::vector<std::pair<std::string, Estimate>>& list, const std::string& name) {
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.first == name; });
  return it == list.end() ? nullptr : &it->second;
}

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

// Regular files below `directory` that end in .json, in the order of their names.
std::vector<fs::path> result_files(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.is_regular_file() && entry.path().extension() == ".json" && !is_hidden(entry.path()))
      files.push_back(entry.path());
  if (error)
    throw InputError(
        {.where = directory.string(), .what = "cannot be read as a directory", .found = error.message()});
  std::sort(files.begin(), files.end());
  return files;
}

bool same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

// Whether two results of the same model, task, phase and policy agree.
bool agree(const Cell& a, const Cell& b) {
  const auto equal = [](const auto& x, const auto& y) {
    return x.first == y.first && same(x.second.value, y.second.value);
  };
  return a.task.examples == b.task.examples && same(a.total.kept, b.total.kept) &&
         std::equal(a.metrics.begin(), a.metrics.end(), b.metrics.begin(), b.metrics.end(), equal);
}

// Adds a cell unless it exists already; of two, the one that knows more about dense is kept.
void add(std::vector<Cell>& cells, std::map<std::string, std::size_t>& known, Cell cell) {
  const auto [it, is_new] = known.emplace(identity_of(cell), cells.size());
  if (is_new) {
    cells.push_back(std::move(cell));
    return;
  }
  Cell& first = cells[it->second];
  if (!agree(first, cell))
    throw InputError({.where = cell.file,
                      .what = fmt::format("holds the same run as {} with other results", first.file),
                      .found = fmt::format("{} on {}, {}", describe(cell.policy), cell.task.name, cell.phase),
                      .next = "remove one of them from the directory"});
  if (first.paired.empty() && !cell.paired.empty()) first = std::move(cell);
}

}  // namespace

const Estimate* Cell::metric(const std::string& name) const {
  return find(metrics, name);
}

const Estimate* Cell::difference(const std::string& name) const {
  return find(paired, name);
}

Cells read_cells(const fs::path& path) {
  if (!fs::exists(path))
    throw InputError({.where = path.string(),
                      .what = "does not exist",
                      .expected = "the directory that tt-eval sweep -o wrote, or results of tt-eval run"});
  std::vector<fs::path> files = {path};
  if (fs::is_directory(path)) files = result_files(fs::is_directory(path / "cells") ? path / "cells" : path);
  Cells result;
  std::map<std::string, std::size_t> known;
  for (const fs::path& file : files) {
    std::vector<std::string> unknown;
    for (Cell& cell : read_result(file, unknown))
      add(result.cells, known, std::move(cell));
    for (const std::string& key : unknown)
      result.notes.push_back(key + ": unknown to this program, and not shown");
  }
  if (result.cells.empty())
    throw InputError({.where = path.string(),
                      .what = "holds no result",
                      .expected = "cells/*.json of tt-eval sweep, or *.json of tt-eval run",
                      .next = "tt-eval sweep CONFIG.toml -o DIR, or tt-eval run ... -o DIR/x.json"});
  return result;
}

}  // namespace toptheta::page
