#include "common/embedded.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/error.hpp"

namespace toptheta::app {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> candidates() {
  if (const char* directory = std::getenv("TOPTHETA_DATA")) return {directory};
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  return {(program.parent_path() / TT_DATA_FROM_BIN).lexically_normal(), TT_SOURCE_DATA};
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

}  // namespace toptheta::app
