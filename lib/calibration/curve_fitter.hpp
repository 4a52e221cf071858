// Gathers curves from attention rows: histograms that serve every k, in one pass.
//
// docs/calibration.md, "Curves".
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
// bin. All state is in integers, so the result does not depend on the order or grouping of rows, and curves()
// is the whole state. Memory: 1 KiB for each 64 neighbouring value bins (2 units of score) in which a layer,
// head and length bin has values; typically 20-40 KiB for each layer, head and length bin.
class CurveFitter final : public CalibrationState {
 public:
  // `placement` says which values to count, scores or weights; `row_content` says what the rows hold. Throws
  // UsageError for placement running-softmax, and for scores to be counted in rows of softmax weights.
  CurveFitter(Placement placement, Placement row_content, const ModelShape& shape);
  ~CurveFitter() override;

  // Throws InputError naming layer, head and row for a value that is not finite or no softmax weight, and for
  // weights that add up to more than 1; UnfinishedError past kMaxCurveRows rows in one length bin.
  void add(const RowBlock& block) override { add(block, {}, {}); }
  // Also returns what it computes on the way: the range of each row in `ranges` and, where rows hold scores,
  // their exp_sum() (kernels/rows/row_mass.hpp) in `exp_sums`. Both are [rows], or empty if not wanted.
  void add(const RowBlock& block, std::span<RowRange> ranges, std::span<double> exp_sums);
  [[nodiscard]] bool is_order_free() const override { return true; }
  void merge(const CurveFitter& other);

  // The layout is that of the group `curves` in a table's file (theta/formats/curve_file.hpp).
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
  std::array<std::mutex, 64> guards_;  // guard cells_: [head % 64]
  std::unique_ptr<Pool<RowCounter>> counters_;
};

}  // namespace toptheta
