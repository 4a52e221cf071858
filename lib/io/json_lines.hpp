// JSON Lines: one JSON value per line.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "io/json_reader.hpp"

namespace toptheta {

struct JsonLine {
  JsonValue value;
  std::int64_t number = 0;  // from 1, counting blank lines too
  std::string where;        // "tasks/arc.jsonl:line 17", for messages about the line
};

// Calls `use` for each line of the file, in order, holding one line in memory at a time. Blank lines are
// skipped; a byte order mark at the start and carriage returns at line ends are accepted; the last line needs
// no line break. Throws InputError, naming file and line, where a line is not one JSON value within `limits`,
// and where the file cannot be read.
void for_each_json_line(const std::filesystem::path& path, const std::function<void(const JsonLine&)>& use,
                        const JsonLimits& limits = {});

}  // namespace toptheta
