// The threshold tables that results name, as far as they can still be read.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "page/cell.hpp"
#include "theta/table.hpp"

namespace toptheta::page {

struct NamedTable {
  std::string path{};  // as the cells name it
  std::string digest{};
  ThresholdTable table{};
  std::string problem{};  // why there is no table, in one sentence; empty if `table` is the one of the cells
};

// One for each table that a cell names, in the order of the cells. Relative paths are looked up from the
// working directory, then from `results` and the folder above it. A file whose digest differs from that in
// the cells is another table and is not used.
std::vector<NamedTable> tables_of(const std::vector<Cell>& cells, const std::filesystem::path& results);

}  // namespace toptheta::page
