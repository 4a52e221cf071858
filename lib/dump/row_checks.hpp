// Internal to lib/dump: refuses scores that are not finite.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/rows.hpp"

namespace toptheta {

// Fills in block.ranges unless the block already has them (`ranges` is the memory for it). Throws InputError,
// naming `where`, head, row and key position, for the first NaN or infinity among the causal entries of the
// block. `row_numbers` are the numbers of the block's rows in the file.
void require_finite(RowBlock& block, std::span<const std::int64_t> row_numbers, const std::string& where,
                    std::vector<RowRange>& ranges);

}  // namespace toptheta
