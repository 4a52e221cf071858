#include "common/embedded.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/error.hpp"

namespace toptheta::app {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> own_places() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  return {(program.parent_path() / TT_DATA_FROM_BIN).lexically_normal(), TT_SOURCE_DATA};
}

std::vector<fs::path> candidates() {
  if (const char* directory = std::getenv("TOPTHETA_DATA")) return {directory};
  return own_places();
}

bool has_task_files(const fs::path& directory) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored))
    if (entry.path().extension() == ".toml") return true;
  return false;
}

}  // namespace

std::vector<fs::path> EmbeddedData::files(const std::string& directory, const std::string& extension) const {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(root / directory, ignored))
    if (entry.is_regular_file() && entry.path().extension() == extension) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  if (found.empty())
    throw InputError({.where = (root / directory).string(),
                      .what = fmt::format("the embedded data has no {} file here", extension),
                      .next = "restore data/ from the repository, or name your own files"});
  return found;
}

EmbeddedData find_embedded_data() {
  std::string looked;
  for (const fs::path& root : candidates()) {
    EmbeddedData data{root};
    if (fs::exists(data.model() / "config.json")) return data;
    looked += (looked.empty() ? "" : ", ") + root.string();
  }
  throw UsageError({.where = "--model",
                    .what = "not given, and the embedded model was not found",
                    .expected = "a directory with model/config.json",
                    .found = "looked in " + looked,
                    .next = "give --model DIR, or set TOPTHETA_DATA to the project's data directory"});
}

fs::path find_task_files() {
  std::vector<fs::path> places = candidates();
  // Data of one's own need not bring the task files along.
  for (fs::path& place : own_places())
    places.push_back(std::move(place));
  std::string looked;
  for (const fs::path& root : places) {
    if (has_task_files(root / "tasks")) return root / "tasks";
    looked += (looked.empty() ? "" : ", ") + root.string();
  }
  throw UsageError({.where = "--task",
                    .what = "the task files that come with the program were not found",
                    .expected = "a directory with tasks/*.toml",
                    .found = "looked in " + looked,
                    .next = "set TOPTHETA_DATA to the project's data directory"});
}

}  // namespace toptheta::app
