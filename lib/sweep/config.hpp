// A sweep's configuration: a table of settings, each one value or a list of values that cross.
//
//   [sweep]
//   task = ["book.txt", "arc.jsonl"]
//   attention = ["dense", "topk"]
//   k = [16, 32, 64]
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace toptheta {

struct SweepSetting {
  std::string key;
  std::vector<std::string> values;  // as on a command line; at least one
  bool list = false;                // written as a list
  std::string where;                // "sweep.toml:7"
};

// The settings in the order of the file. Throws UsageError, naming file and line, for what is not TOML, is
// not a table [sweep] of texts, numbers, switches and lists of these, and for empty lists.
std::vector<SweepSetting> read_sweep_config(const std::filesystem::path& path);
// The same of a text; errors name `name`.
std::vector<SweepSetting> parse_sweep_config(const std::string& text, const std::string& name);

// All combinations of one value of each setting, as indexes into their values; the last setting varies
// fastest. Throws UsageError past a hundred thousand.
std::vector<std::vector<std::size_t>> cross(const std::vector<SweepSetting>& settings);

}  // namespace toptheta
