// The part of TOML that configuration files need: sections, keys, strings, numbers, booleans and arrays of
// these.
//
// CLI11's own reader takes commas and '#' inside strings for syntax; settings must not change meaning
// silently.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta::app {

struct TomlEntry {
  std::string section;  // empty above the first [section]
  std::string key;
  std::vector<std::string> values;  // one for a scalar; numbers and booleans as they are written
  bool array = false;
  int line = 0;
};

// Entries in file order. Throws UsageError naming `where` and the line on anything outside the subset, and on
// keys that stand twice.
std::vector<TomlEntry> parse_toml(std::string_view text, const std::string& where);

// Reads and parses a file; throws UsageError if it cannot be read.
std::vector<TomlEntry> read_toml(const std::filesystem::path& path);

// The value as parse_toml() reads it back: numbers and booleans bare, anything else as a quoted string.
std::string toml_value(const std::string& text);

}  // namespace toptheta::app
