#include "calibrate/source_curves.hpp"

#include "calibration/curve_fitter.hpp"

namespace toptheta {

ScoreCurves curves_of(RowSource& source, Placement placement, std::string_view stage,
                      const StageProgress& progress) {
  const SourceDescription& description = source.description();
  CurveFitter fitter(placement, description.row_content, description.shape);
  const auto samples = static_cast<std::int64_t>(description.weights.size());
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    source.stream(sample, {}, 0, fitter);
    if (progress) progress(stage, sample + 1, samples, description.unit);
  }
  return fitter.curves();
}

}  // namespace toptheta
