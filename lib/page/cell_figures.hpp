// Figures of cells.
#pragma once
#include <string>
#include <vector>

#include "page/figure.hpp"
#include "page/series.hpp"

namespace toptheta::page {

// Loss over elements, V rows and tiles, with all points of the group as data.
Figure trade_off_figure(const Group& group, Room room);

// What each head of a cell kept and lost, and what each KV group read. Has no charts if the cell has no such
// figures.
Figure head_figure(const Group& group, const Cell& cell);
Figure kv_group_figure(const Group& group, const Cell& cell);

// Effective k / k asked for, over every head of every cell that has both: a histogram for each policy family,
// and the quantiles of each cell as data.
Figure effective_k_figure(const std::vector<Group>& groups);

// All figures of all cells.
DataTable all_cells(const std::vector<Group>& groups);
// The command that made each cell, and the input files.
DataTable commands_of(const std::vector<Cell>& cells);
DataTable inputs_of(const std::vector<Cell>& cells);

}  // namespace toptheta::page
