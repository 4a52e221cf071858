// Decides which rows of each sample a pass of calibration reads.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "calibrate/options.hpp"
#include "calibration/row_sampler.hpp"

namespace toptheta {

// Thresholds come from rows of more than smallest_k keys, of which the options' row_fraction is drawn. Curves
// come from the same rows and, so that they serve any k, from the same fraction of the shorter rows. The
// shorter rows are drawn separately, so that thresholds do not depend on whether curves are gathered.
class DrawnRows {
 public:
  // `curves`: whether this pass gathers curves, provided that the options ask for them. Throws UsageError for
  // a row_fraction outside (0, 1].
  DrawnRows(const CalibrationOptions& options, std::int64_t smallest_k, bool curves);

  // Takes the row lengths of the next sample, ascending, and returns those of the rows to read, ascending.
  // The result is empty if all rows are too short for thresholds and there are no curves.
  std::vector<std::int32_t> draw(std::span<const std::int32_t> lengths);

 private:
  std::int64_t smallest_k_;
  RowSampler long_;
  std::optional<RowSampler> short_;
};

}  // namespace toptheta
