// One result file to cells.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "page/cell.hpp"

namespace toptheta::page {

// Every run of the file. Members that nothing here knows are added to `unknown`. Throws InputError at the
// value.
std::vector<Cell> read_result(const std::filesystem::path& path, std::vector<std::string>& unknown);

}  // namespace toptheta::page
