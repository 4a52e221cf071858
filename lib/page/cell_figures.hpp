// Cells as figures.
#pragma once
#include <string>
#include <vector>

#include "page/figure.hpp"
#include "page/series.hpp"

namespace toptheta::page {

// Loss against elements, V rows and tiles, with all points of the group as data.
Figure trade_off_figure(const Group& group, Room room);

// What each head of a cell kept and lost, and what each KV group read. Without charts where the cell does not
// say.
Figure head_figure(const Group& group, const Cell& cell);
Figure kv_group_figure(const Group& group, const Cell& cell);

// Effective k over the k asked for, of every head of every cell that has both: a histogram for each policy
// family, and quantiles of each cell as data.
Figure effective_k_figure(const std::vector<Group>& groups);

// Everything about every cell.
DataTable all_cells(const std::vector<Group>& groups);
// Which command made which cell, and the files that went in.
DataTable commands_of(const std::vector<Cell>& cells);
DataTable inputs_of(const std::vector<Cell>& cells);

}  // namespace toptheta::page
