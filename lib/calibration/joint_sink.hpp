// Thresholds and curves from one pass over the rows.
#pragma once
#include "calibration/curve_fitter.hpp"
#include "calibration/fitter.hpp"

namespace toptheta {

// Gives every row to the curves, then to the thresholds, some rows at a time: they are still in the
// second-level cache then, and their range and the sum of their exponentials are found once. Each gets what
// it would get alone. Both must outlive this object, and fit the same rows: of one content, for one
// placement.
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
