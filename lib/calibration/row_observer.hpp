// Finds the threshold and the kept mass of attention rows, one row after the other, for every k at once.
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

// Reuses its buffers from row to row. Each thread needs its own.
class RowObserver {
 public:
  RowObserver() = default;
  RowObserver(Placement content, Placement placement, std::span<const std::int64_t> k) {
    look_for(content, placement, k);
  }

  // Sets what to look for from now on. `content` is what the rows hold, `placement` what the thresholds will
  // be compared with; rows of weights serve only post-softmax placement. `k` must stay valid until the next
  // look_for() or the end of this object.
  void look_for(Placement content, Placement placement, std::span<const std::int64_t> k) {
    content_ = content;
    placement_ = placement;
    k_ = k;
    thresholds_.resize(k.size());
    k_of_rest_.resize(k.size());
  }
  // Sets the positions that rows keep in any case; none by default. Thresholds are then taken from the other
  // values, of which k minus the number of these positions are kept.
  void keep(const KeptEnds& kept) { kept_ = kept; }

  // Sets, for the rows that follow, the position of their first key and the sink logit in the denominator of
  // their softmax (core/rows.hpp).
  void stand_at(std::int64_t first_key, float sink) {
    first_key_ = first_key;
    sink_ = sink;
  }

  // `range` is row_range(row) and must be finite; `next` is memory to prefetch because it will be read soon
  // (exp_sum(), kernels/rows/row_mass.hpp). Time: two passes for all k together, one of them with an
  // exponential for every value.
  void observe(std::span<const float> row, const RowRange& range, std::span<const std::byte> next = {});
  // The same if exp_sum(row, range) is known already, which saves a pass.
  void observe(std::span<const float> row, const RowRange& range, double exp_sum);

  // The results for the last row and k[target], which must be below the row's length: the (k+1)-th largest
  // value, and the softmax mass of the k largest. If positions are kept in any case: the value of the rest
  // under which k values are kept in all, and the softmax mass of those k; k must exceed the number of these
  // positions.
  [[nodiscard]] float threshold(std::size_t target) const { return thresholds_[target]; }
  [[nodiscard]] double kept_mass(std::size_t target) const;

 private:
  void observe_scores(std::span<const float> row, const RowRange& range);
  // Finds the thresholds among the values that are not kept in any case.
  void select(std::span<const float> values, const RowRange& range);

  Placement content_ = Placement::pre_softmax;
  Placement placement_ = Placement::pre_softmax;
  std::span<const std::int64_t> k_{};
  std::vector<std::int64_t> k_of_rest_;  // k minus the number of values that the row keeps in any case
  KeptEnds kept_{};
  RowEnds ends_{};
  double ends_sum_ = 0;  // sum of e^(s - largest), or of weights, over the values kept in any case
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
