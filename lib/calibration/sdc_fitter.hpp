// What stands for the dropped in a threshold table: the second pass of calibration.
//
// Paper: arXiv 2502.08363, section 3.2; here: docs/method.md, "Compensating".
#pragma once
#include <array>
#include <mutex>
#include <vector>

#include "calibration/accumulator.hpp"
#include "calibration/state.hpp"
#include "theta/length_bins.hpp"
#include "theta/table.hpp"

namespace toptheta {

struct SdcTerms {
  bool offline = true;        // M of offline SDC
  bool calibrated = false;    // rho of calibrated SDC
  std::int64_t rho_bins = 0;  // of lengths to the octave, over which rho is pooled and smoothed; 0: not
};

// Over the rows that the table was fitted from, per length, where the finished table drops scores s <= theta:
// the mean of M, the sum of e^(s-m) over these, m the row's maximum; and rho, the exponential of the mean of
// ln(mean of e^(s-theta) over these), of the rows that drop any. Rows hold scores before the softmax. A row's
// theta is that of its own length: in a table of length bins, the one that inference interpolates for it,
// and its term counts for its bin. Memory: 24 bytes per term, target, layer, query head and row length seen,
// or length bin.
class SdcFitter final : public CalibrationState {
 public:
  // `table` must outlive the fitter and not change. Throws UsageError for a table of post-softmax thresholds,
  // which need no SDC.
  explicit SdcFitter(const ThresholdTable& table, const SdcTerms& terms = {});

  // Throws InputError for a value that is not finite, and for a row of a length that the table has not: such
  // a row was not in the first pass.
  void add(const RowBlock& block) override;
  // Rows meet only those of their own length, of which a sample has one.
  [[nodiscard]] bool is_order_free() const override { return true; }

  // Adds what another fitter with the same table has seen.
  void merge(const SdcFitter& other);

  // The terms asked for. targets/<index>: cell, length, count, and the sum of M as float64 columns dropped_0,
  // dropped_1; rho/<index>: the same with the sum of logarithms as log_0, log_1.
  void save(hdf5::Group& group) const override;
  void add_saved(const hdf5::Group& group) override;

  // Sets the terms of every entry of this table, or of a copy of it, whose length had rows.
  void fill(ThresholdTable& table) const;

 private:
  const ThresholdTable& table_;
  SdcTerms terms_;
  LengthBins bins_;
  std::vector<std::vector<ByLength<SdcStatistics>>> cells_;      // [targets][layers * heads]
  std::vector<std::vector<ByLength<RhoStatistics>>> rho_cells_;  // the same
  std::array<std::mutex, 64> guards_;                            // of both: [head % 64]
};

}  // namespace toptheta
