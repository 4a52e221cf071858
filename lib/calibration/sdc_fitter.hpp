// The second pass of calibration: the terms that compensate the softmax denominator for dropped scores.
//
// Paper: arXiv 2502.08363, section 3.2; here: docs/method.md, "Compensating".
#pragma once
#include <array>
#include <mutex>
#include <vector>

#include "calibration/accumulator.hpp"
#include "calibration/rho_law_fit.hpp"
#include "calibration/row_threshold.hpp"
#include "calibration/state.hpp"
#include "theta/length_bins.hpp"
#include "theta/table.hpp"

namespace toptheta {

struct SdcTerms {
  bool offline = true;        // gather the M of offline SDC
  bool calibrated = false;    // gather the rho of calibrated SDC
  std::int64_t rho_bins = 0;  // pool and smooth rho over bins of row lengths, this many per octave; 0: do not
  bool rho_law = false;       // with `calibrated`: also fit a law for rho of each head
  // The table was not fitted to these rows: lengths without an entry of their own are those of the nearest
  // one, as in look-up.
  bool finished = false;
};

// Throws UsageError for terms that thresholds of this placement have no use for: after the softmax, offline
// terms and laws. rho is of use there under running-softmax placement.
void require_terms(Placement placement, const SdcTerms& terms);

// Reads the rows that the table was fitted to once more. With s <= theta the scores that the finished table
// drops of a row, and m the row's maximum, it computes per target, head and row length:
//   M    the mean over rows of the sum of e^(s-m) over the dropped scores;
//   rho  exp(mean over rows that drop any of ln(mean of e^(s-theta) over the dropped scores)).
// If asked for, also the law of each head (calibration/rho_law_fit.hpp), fitted to the rows that drop any
// score and keep any of those that they choose from. n_kept counts what is kept in any case too; share is
// that of the row's own M in its whole softmax denominator, with the sink where there is one. For a table of
// softmax weights, post-softmax or running, there is only rho, of the keys that running-softmax placement
// drops between the tiles at a row's ends (RunningDrops); rows that drop none there do not count. Rows must
// hold scores before the softmax. Theta is that of the row's length. In a table of length bins it is the one
// that inference would interpolate, and the row's terms count for its bin. Memory: 24 bytes per term, target,
// layer, query head and row length (or length bin) seen, and 152 bytes per target, layer and query head for
// laws.
class SdcFitter final : public CalibrationState {
 public:
  // `table` must outlive the fitter and not change. Throws UsageError as require_terms() does.
  explicit SdcFitter(const ThresholdTable& table, const SdcTerms& terms = {});

  // Throws InputError for a value that is not finite and, unless the table is `finished`, for a row whose
  // length has no entry, because such a row cannot have been in the first pass. Threads may call this at the
  // same time.
  void add(const RowBlock& block) override;
  // Sums do not depend on the order of rows (calibration/accumulator.hpp).
  [[nodiscard]] bool is_order_free() const override { return true; }

  // Adds what another fitter with the same table has seen.
  void merge(const SdcFitter& other);

  // Writes the terms asked for:
  //   targets/<index>  cell, length, count, and the sum of M as the float64 columns dropped_0 and dropped_1
  //   rho/<index>      the same, with the sum of logarithms as log_0 and log_1
  //   rho_law/<index>  RhoLawStatistics::save()
  void save(hdf5::Group& group) const override;
  void add_saved(const hdf5::Group& group) override;

  // Sets the terms of every entry whose length had rows, and the laws of the heads that had any, in the
  // constructor's table or a copy of it. Terms of the same kind that it had before are gone.
  void fill(ThresholdTable& table) const;

 private:
  // Where the terms of a row count: the LengthBins::key of its entry, and the entry's threshold.
  struct RowEntry {
    std::int32_t key;
    double theta;
  };
  [[nodiscard]] RowEntry entry_for(const std::vector<ThresholdEntry>& cell, std::int32_t length,
                                   const std::string& where) const;

  struct Place {
    std::size_t target;
    std::size_t head;  // among the cells
    std::int32_t key;
  };
  // Adds what thresholds on scores drop of row r of the block.
  void add_row(const RowBlock& block, std::int64_t r, const RowRange& range, const RowEnds& ends,
               double theta, const Place& place);
  // Adds a row that drops something to the rho of its head.
  void add_dropped(const DroppedScores& dropped, const Place& place);

  const ThresholdTable& table_;
  SdcTerms terms_;
  LengthBins bins_;
  std::vector<std::vector<ByLength<SdcStatistics>>> cells_;      // [targets][layers * heads]
  std::vector<std::vector<ByLength<RhoStatistics>>> rho_cells_;  // the same
  std::vector<std::vector<RhoLawStatistics>> laws_;  // [targets][layers * heads]; empty without laws
  std::array<std::mutex, 64> guards_;                // guard all of these: [head % 64]
};

}  // namespace toptheta
