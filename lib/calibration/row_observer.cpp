#include "calibration/row_observer.hpp"

#include <algorithm>
#include <cmath>

#include "core/number_list.hpp"
#include "kernels/rows/row_mass.hpp"

namespace toptheta {

void RowObserver::observe(std::span<const float> row, const RowRange& range,
                          std::span<const std::byte> next) {
  ends_ = kept_.of_row(first_key_, std::ssize(row));
  if (placement_ == Placement::pre_softmax) {
    observe_scores(row, range);
    total_ = exp_sum(row, range, next) + sink_exponential(sink_, range.largest);
  } else if (placement_ == Placement::running_softmax) {
    running_.weigh(row, first_key_, sink_);
    running_.keep(ends_);
    select(running_.values(), row_range(running_.values()));
  } else if (content_ == Placement::post_softmax) {
    select(row, range);
  } else {
    weights_.resize(row.size());
    softmax(row, range.largest, weights_, sink_exponential(sink_, range.largest));
    select(weights_, row_range(weights_));
  }
}

void RowObserver::observe(std::span<const float> row, const RowRange& range, double exp_sum) {
  if (placement_ != Placement::pre_softmax) return observe(row, range);
  ends_ = kept_.of_row(first_key_, std::ssize(row));
  observe_scores(row, range);
  total_ = exp_sum + sink_exponential(sink_, range.largest);
}

void RowObserver::observe_scores(std::span<const float> row, const RowRange& range) {
  select(row, range);
  largest_ = range.largest;
  if (!ends_.any()) return;
  ends_sum_ = 0;
  ends_.for_each(row, [this](float score) {
    ends_sum_ += std::exp(static_cast<double>(score) - static_cast<double>(largest_));
  });
}

void RowObserver::select(std::span<const float> values, const RowRange& range) {
  for (std::size_t target = 0; target < k_.size(); ++target)
    k_of_rest_[target] = k_[target] == kDenseK ? kDenseK : k_[target] - ends_.count();
  ends_sum_ = 0;
  ends_.for_each(values, [this](float value) { ends_sum_ += static_cast<double>(value); });
  const std::span<const float> rest = ends_.rest_of(values);
  candidates_ =
      row_thresholds(rest, ends_.any() ? row_range(rest) : range, k_of_rest_, scratch_, thresholds_);
}

double RowObserver::kept_mass(std::size_t target) const {
  const std::int64_t k = k_of_rest_[target];
  if (placement_ == Placement::pre_softmax)
    return std::min(
        1.0, kept_mass_of_scores(candidates_, thresholds_[target], k, largest_, total_) + ends_sum_ / total_);
  if (placement_ == Placement::running_softmax) return running_.kept_mass(thresholds_[target], k_[target]);
  return kept_mass_of_weights(candidates_, thresholds_[target], k) + ends_sum_;
}

}  // namespace toptheta
