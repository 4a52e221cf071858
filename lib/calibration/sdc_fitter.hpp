// Offline SDC terms of a threshold table: the second pass of calibration.
//
// Paper: arXiv 2502.08363, section 3.2; here: docs/method.md, "Compensating".
#pragma once
#include <array>
#include <mutex>
#include <vector>

#include "calibration/accumulator.hpp"
#include "calibration/state.hpp"
#include "theta/table.hpp"

namespace toptheta {

// Over the rows that the table was fitted from: the mean per length of M, the sum of e^(s-m) over the scores
// s <= theta that the finished table drops, m the row's maximum. Rows hold scores before the softmax. A row's
// theta is that of its own length. Memory: 24 bytes per target, layer, query head and row length seen.
class SdcFitter final : public CalibrationState {
 public:
  // `table` must outlive the fitter and not change. Throws UsageError for a table of post-softmax thresholds,
  // which need no SDC.
  explicit SdcFitter(const ThresholdTable& table);

  // Throws InputError for a value that is not finite, and for a row of a length that the table has not: such
  // a row was not in the first pass.
  void add(const RowBlock& block) override;
  // Rows meet only those of their own length, of which a sample has one.
  [[nodiscard]] bool is_order_free() const override { return true; }

  // Adds what another fitter with the same table has seen.
  void merge(const SdcFitter& other);

  // targets/<index>: cell, length, count, and the sum of M as float64 columns dropped_0, dropped_1.
  void save(hdf5::Group& group) const override;
  void add_saved(const hdf5::Group& group) override;

  // Sets the SDC term of every entry of this table, or of a copy of it, whose length had rows.
  void fill(ThresholdTable& table) const;

 private:
  using Cell = ByLength<SdcStatistics>;

  const ThresholdTable& table_;
  std::vector<std::vector<Cell>> cells_;  // [targets][layers * heads]
  std::array<std::mutex, 64> guards_;     // of cells_: [head % 64]
};

}  // namespace toptheta
