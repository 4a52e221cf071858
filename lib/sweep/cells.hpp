// The files of a sweep: one result for each cell, whose bytes depend on what it holds alone.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "eval/result.hpp"

namespace toptheta {

// DIR/cells/NAME.json
std::filesystem::path cell_path(const std::filesystem::path& directory, const std::string& name);

// The form of tt-eval run's JSON, with one run, and without what tells of the machine and the moment: seconds
// and the number of threads.
std::string cell_text(const Results& results);

// Whether there is a finished cell for what `expected` would be made from: model, inputs, seed, command and
// program. Of `expected`, runs do not count. Throws InputError, naming the file, for one that was made from
// anything else or is not a cell.
bool is_finished(const std::filesystem::path& directory, const std::string& name, const Results& expected);

// Throws UsageError for a cell in DIR/cells that is none of `names`.
void require_no_others(const std::filesystem::path& directory, std::span<const std::string> names);

// What a process that was killed left of the file `path`: files that were never finished.
void remove_remains(const std::filesystem::path& path);

}  // namespace toptheta
