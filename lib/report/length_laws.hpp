// How a table's thresholds move with the row length, for people's eyes: one law for each target and head.
#pragma once
#include "report/listing.hpp"
#include "report/thresholds.hpp"
#include "theta/table.hpp"

namespace toptheta {

// One row for each head that is not dense, of the targets, layer and head in the view; null where a head has
// too few curves for a law. Beyond the law (calibration/length_law.hpp) it says what it comes to at the
// longest calibrated length, and at twice that, which is extrapolated. The table must have curves. Throws
// UsageError for a k, layer or head that the table has not.
Listing length_laws_listing(const ThresholdTable& table, const ThresholdView& view);

}  // namespace toptheta
