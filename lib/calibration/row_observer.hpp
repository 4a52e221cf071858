// One attention row after the other, looked at for every k at once: threshold and kept mass.
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "calibration/row_threshold.hpp"
#include "calibration/running_row.hpp"
#include "core/kept_ends.hpp"
#include "core/shape.hpp"

namespace toptheta {

// Keeps its memory from row to row; one for each thread.
class RowObserver {
 public:
  RowObserver() = default;
  RowObserver(Placement content, Placement placement, std::span<const std::int64_t> k) {
    look_for(content, placement, k);
  }

  // From here on. `content` is what the rows hold, `placement` where the thresholds will stand; weights serve
  // only the latter. `k` must outlive the observer or its next look_for().
  void look_for(Placement content, Placement placement, std::span<const std::int64_t> k) {
    content_ = content;
    placement_ = placement;
    k_ = k;
    thresholds_.resize(k.size());
    k_of_rest_.resize(k.size());
  }
  // What rows keep in any case: thresholds are of the rest, of which k less those are kept. 0 by default.
  void keep(const KeptEnds& kept) { kept_ = kept; }

  // Of the rows that follow: the position of their first key, and the logit beside their scores in the
  // softmax's denominator (core/rows.hpp).
  void stand_at(std::int64_t first_key, float sink) {
    first_key_ = first_key;
    sink_ = sink;
  }

  // `range` is row_range(row), finite; `next` what will be read soon (exp_sum, kernels/row_mass.hpp). Time:
  // two passes, one of them with an exponential for every value that serves every k.
  void observe(std::span<const float> row, const RowRange& range, std::span<const std::byte> next = {});
  // The same where exp_sum(row, range) is known already: one pass less.
  void observe(std::span<const float> row, const RowRange& range, double exp_sum);

  // Of the last row, for k[target] below its length: the (k+1)-th largest value, and the softmax mass of the
  // k largest. Of rows that keep ends in any case: the value of the rest that keeps k in all, and the softmax
  // mass of these; k must be above the number of ends.
  [[nodiscard]] float threshold(std::size_t target) const { return thresholds_[target]; }
  [[nodiscard]] double kept_mass(std::size_t target) const;

 private:
  void observe_scores(std::span<const float> row, const RowRange& range);
  // Thresholds among what the row does not keep in any case.
  void select(std::span<const float> values, const RowRange& range);

  Placement content_ = Placement::pre_softmax;
  Placement placement_ = Placement::pre_softmax;
  std::span<const std::int64_t> k_{};
  std::vector<std::int64_t> k_of_rest_;  // k less what the row keeps in any case
  KeptEnds kept_{};
  RowEnds ends_{};
  double ends_sum_ = 0;  // of e^(s - largest), or of weights, of what is kept in any case
  std::vector<float> thresholds_;
  SelectionScratch scratch_;
  std::vector<float> weights_;
  std::span<const float> candidates_{};
  RunningRow running_;
  std::int64_t first_key_ = 0;
  float sink_ = -std::numeric_limits<float>::infinity();
  float largest_ = 0;
  double total_ = 1;
};

}  // namespace toptheta
