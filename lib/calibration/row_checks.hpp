// Refuses rows that cannot be calibrated on, naming the offending value's place.
#pragma once
#include "core/rows.hpp"
#include "core/shape.hpp"
#include "kernels/rows/select.hpp"

namespace toptheta {

// The range of row r of the block. Throws InputError naming layer, head, row length and key if the row holds
// a value that is not finite or, where `content` is post-softmax, not between 0 and 1 (up to rounding). Time:
// one pass over the row, or none if the block brings its ranges.
RowRange require_row(const RowBlock& block, std::int64_t r, Placement content);

}  // namespace toptheta
