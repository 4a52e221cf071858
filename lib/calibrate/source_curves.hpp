// Gathers curves without thresholds, from dumps that are compared rather than calibrated on.
#pragma once
#include <string_view>

#include "calibrate/options.hpp"
#include "calibrate/row_source.hpp"
#include "theta/curve.hpp"

namespace toptheta {

// Counts all rows of all samples with a CurveFitter, whose header states memory and errors. Reports progress
// under the name `stage` after each sample.
ScoreCurves curves_of(RowSource& source, Placement placement, std::string_view stage,
                      const StageProgress& progress);

}  // namespace toptheta
