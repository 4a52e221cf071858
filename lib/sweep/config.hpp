// The configuration of a sweep: a table of settings, each with one value or a list of values. Every
// combination of the values of all settings is run.
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

// The settings in the order of the file. Throws UsageError, naming file and line, for anything that is not
// TOML or not a table [sweep] of texts, numbers, switches and lists of these, and for empty lists.
std::vector<SweepSetting> read_sweep_config(const std::filesystem::path& path);
// The same for a text in memory; errors call it `name`.
std::vector<SweepSetting> parse_sweep_config(const std::string& text, const std::string& name);

// All combinations of one value of each setting, as indexes into their values; the last setting varies
// fastest. Throws UsageError for more than a hundred thousand.
std::vector<std::vector<std::size_t>> cross(const std::vector<SweepSetting>& settings);

}  // namespace toptheta
