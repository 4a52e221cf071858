// Reads one result file into cells.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "page/cell.hpp"

namespace toptheta::page {

// Every run in the file. Unknown members are added to `unknown`. Throws InputError that names the value.
std::vector<Cell> read_result(const std::filesystem::path& path, std::vector<std::string>& unknown);

}  // namespace toptheta::page
