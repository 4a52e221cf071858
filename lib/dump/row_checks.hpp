// Inside dump: scores that are not finite are refused by name.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/rows.hpp"

namespace toptheta {

// The ranges of the block's rows, unless the block brings them already: `ranges` becomes block.ranges. Throws
// InputError naming `where`, head, row and key position for the first NaN or infinity among the causal
// entries of the block. `row_numbers`: of the block's rows, in the file.
void require_finite(RowBlock& block, std::span<const std::int64_t> row_numbers, const std::string& where,
                    std::vector<RowRange>& ranges);

}  // namespace toptheta
