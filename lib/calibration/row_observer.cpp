#include "calibration/row_observer.hpp"

#include "kernels/rows/row_mass.hpp"

namespace toptheta {

void RowObserver::observe(std::span<const float> row, const RowRange& range,
                          std::span<const std::byte> next) {
  if (placement_ == Placement::pre_softmax) {
    observe_scores(row, range);
    total_ = exp_sum(row, range, next) + sink_exponential(sink_, range.largest);
  } else if (placement_ == Placement::running_softmax) {
    running_.weigh(row, first_key_, sink_);
    candidates_ = row_thresholds(running_.values(), row_range(running_.values()), k_, scratch_, thresholds_);
  } else if (content_ == Placement::post_softmax) {
    candidates_ = row_thresholds(row, range, k_, scratch_, thresholds_);
  } else {
    weights_.resize(row.size());
    softmax(row, range.largest, weights_, sink_exponential(sink_, range.largest));
    candidates_ = row_thresholds(weights_, row_range(weights_), k_, scratch_, thresholds_);
  }
}

void RowObserver::observe(std::span<const float> row, const RowRange& range, double exp_sum) {
  if (placement_ != Placement::pre_softmax) return observe(row, range);
  observe_scores(row, range);
  total_ = exp_sum + sink_exponential(sink_, range.largest);
}

void RowObserver::observe_scores(std::span<const float> row, const RowRange& range) {
  candidates_ = row_thresholds(row, range, k_, scratch_, thresholds_);
  largest_ = range.largest;
}

double RowObserver::kept_mass(std::size_t target) const {
  if (placement_ == Placement::pre_softmax)
    return kept_mass_of_scores(candidates_, thresholds_[target], k_[target], largest_, total_);
  if (placement_ == Placement::running_softmax) return running_.kept_mass(thresholds_[target], k_[target]);
  return kept_mass_of_weights(candidates_, thresholds_[target], k_[target]);
}

}  // namespace toptheta
