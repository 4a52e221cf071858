// Gathers thresholds and curves in one pass over the rows.
#pragma once
#include "calibration/curve_fitter.hpp"
#include "calibration/fitter.hpp"

namespace toptheta {

// Gives the curves and then the thresholds a few rows at a time. The rows are then still in the second-level
// cache, and their range and the sum of their exponentials are computed only once. Each sink ends up with the
// same state as if it had received the rows alone. Both must outlive this object and have the same row
// content and placement.
class JointSink final : public RowSink {
 public:
  JointSink(ThresholdFitter& thresholds, CurveFitter& curves) : thresholds_(thresholds), curves_(curves) {}
  void add(const RowBlock& block) override;
  [[nodiscard]] bool is_order_free() const override { return true; }

 private:
  ThresholdFitter& thresholds_;
  CurveFitter& curves_;
};

}  // namespace toptheta
