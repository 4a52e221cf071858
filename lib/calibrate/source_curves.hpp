// Curves alone, without thresholds: of dumps that are compared rather than calibrated on.
#pragma once
#include <string_view>

#include "calibrate/options.hpp"
#include "calibrate/row_source.hpp"
#include "theta/curve.hpp"

namespace toptheta {

// Counts all rows of all samples, as CurveFitter does, which also says what it throws and how much memory it
// takes. Progress goes under the name of `stage`, sample by sample.
ScoreCurves curves_of(RowSource& source, Placement placement, std::string_view stage,
                      const StageProgress& progress);

}  // namespace toptheta
