// The files of a sweep: one result for each cell. Its bytes depend only on what it holds.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "eval/result.hpp"

namespace toptheta {

// DIR/cells/NAME.json
std::filesystem::path cell_path(const std::filesystem::path& directory, const std::string& name);

// The JSON format of tt-eval run with a single run, and without what depends on the machine and the moment:
// seconds and the number of threads.
std::string cell_text(const Results& results);

// Whether a finished cell exists that was made from the same model, inputs, seed, command and program as
// `expected` (whose runs are ignored). Throws InputError, naming the file, if the cell was made from anything
// else, or if the file is not a cell.
bool is_finished(const std::filesystem::path& directory, const std::string& name, const Results& expected);

// Throws UsageError for a cell in DIR/cells that is not among `names`.
void require_no_others(const std::filesystem::path& directory, std::span<const std::string> names);

// Sentences about cells that DIR/sweep.json lists but DIR/cells lacks, and about cells that it does not list;
// none if there is no sweep.json. Throws InputError if it is not a sweep's.
std::vector<std::string> describe_cells(const std::filesystem::path& directory);

// Removes the unfinished temporary files of `path` that a killed process left behind.
void remove_remains(const std::filesystem::path& path);

}  // namespace toptheta
