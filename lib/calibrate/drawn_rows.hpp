// Which rows of each sample a pass of calibration reads.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "calibrate/options.hpp"
#include "calibration/row_sampler.hpp"

namespace toptheta {

// Thresholds come from rows of more than smallest_k keys, of which --row-fraction draws some; curves from the
// same rows and, so that they serve any k, from the same fraction of the shorter ones, which are drawn apart:
// thresholds do not depend on whether there are curves.
class DrawnRows {
 public:
  // `curves`: whether this pass gathers them, where the options ask for them. Throws UsageError for a
  // fraction out of range.
  DrawnRows(const CalibrationOptions& options, std::int64_t smallest_k, bool curves);

  // Of the next sample, whose rows have these lengths (ascending): the lengths of those to read, ascending.
  // Empty where all are too short for thresholds, and there are no curves.
  std::vector<std::int32_t> draw(std::span<const std::int32_t> lengths);

 private:
  std::int64_t smallest_k_;
  RowSampler long_;
  std::optional<RowSampler> short_;
};

}  // namespace toptheta
