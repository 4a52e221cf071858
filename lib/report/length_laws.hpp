// How a table's thresholds change with the row length: one law for each target and head.
#pragma once
#include "report/listing.hpp"
#include "report/thresholds.hpp"
#include "theta/table.hpp"

namespace toptheta {

// One row for each head that is not dense, among the targets, layer and head of the view. A head with too few
// curves for a law has nulls. Each row has the law (calibration/length_law.hpp), its value at the longest
// calibrated length, and its value at twice that length, which is extrapolated. The table must have curves.
// Throws UsageError for a k, layer or head that the table does not have.
Listing length_laws_listing(const ThresholdTable& table, const ThresholdView& view);

}  // namespace toptheta
