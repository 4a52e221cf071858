// From attention rows to curves: one pass, every k at once.
//
// docs/method.md, "Every k at once"; docs/calibration.md, "Curves".
#pragma once
#include <array>
#include <memory>
#include <mutex>
#include <vector>

#include "calibration/state.hpp"
#include "core/pool.hpp"
#include "theta/curve.hpp"

namespace toptheta {

class CurveHistogram;

// Counts every value of every row, and its softmax weight, into the histogram of its layer, head and length
// bin. All state is integers: the result does not depend on how rows are grouped, nor on their order, and
// curves() is the state. Memory: 1 KiB for each 64 neighbouring value bins (2 units of score) that a layer,
// head and length bin has seen; typically 20-40 KiB for each of them.
class CurveFitter final : public CalibrationState {
 public:
  // `placement`: which values to count; `row_content`: what the rows hold. Throws UsageError for scores
  // wanted from softmax weights.
  CurveFitter(Placement placement, Placement row_content, const ModelShape& shape);
  ~CurveFitter() override;

  // Throws InputError naming layer, head and row for a value that is no score or weight; UnfinishedError past
  // kMaxCurveRows rows in one length bin.
  void add(const RowBlock& block) override { add(block, {}, {}); }
  // The same, and tells what it found out on the way: the range of each row, and where rows hold scores their
  // exp_sum() (kernels/row_mass.hpp).
  void add(const RowBlock& block, std::span<RowRange> ranges, std::span<double> exp_sums);
  [[nodiscard]] bool is_order_free() const override { return true; }
  void merge(const CurveFitter& other);

  // The group `curves`, as in a table's file (theta/curve_file.hpp).
  void save(hdf5::Group& group) const override;
  void add_saved(const hdf5::Group& group) override;

  [[nodiscard]] ScoreCurves curves() const;

 private:
  class RowCounter;
  using Cell = std::vector<std::unique_ptr<CurveHistogram>>;  // by length bin

  CurveHistogram& histogram(std::size_t head, std::int32_t bin);
  void add(const ScoreCurves& curves);

  Placement placement_;
  Placement row_content_;
  ModelShape shape_;
  std::vector<Cell> cells_;            // [layers * heads]
  std::array<std::mutex, 64> guards_;  // of cells_: [head % 64]
  std::unique_ptr<Pool<RowCounter>> counters_;
};

}  // namespace toptheta
