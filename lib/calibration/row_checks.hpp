// Rows that cannot be calibrated on, refused by name.
#pragma once
#include "core/rows.hpp"
#include "core/shape.hpp"
#include "kernels/rows/select.hpp"

namespace toptheta {

// The range of row r of the block. Throws InputError naming layer, head, row length and key position if the
// row holds a value that is not finite or, where the content is post-softmax, not between 0 and 1. Time: one
// pass, none where the block brings its ranges.
RowRange require_row(const RowBlock& block, std::int64_t r, Placement content);

}  // namespace toptheta
