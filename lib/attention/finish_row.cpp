#include "attention/finish_row.hpp"

#include <algorithm>
#include <cmath>

namespace toptheta {

namespace {

// term * theta_weight, but 0 for a term of 0. Where all kept keys are always kept, they may lie so far below
// theta that theta_weight is infinite.
double times_theta(double term, double theta_weight) {
  return term == 0 ? 0 : term * theta_weight;
}

// SDC's term for the dropped scores, relative to the same score as the row's exponentials.
double dropped_term(const RowRule& rule, const RowState& state, std::int64_t dropped, double theta_weight) {
  if (rule.selection == Selection::dense) return 0;
  switch (rule.sdc) {
    case Sdc::none:
      return 0;
    case Sdc::exact:
      return times_theta(state.dropped_sum, theta_weight);
    case Sdc::exp_threshold:
    case Sdc::calibrated:
      return times_theta(rho_of(rule, state.kept) * static_cast<double>(dropped), theta_weight);
    case Sdc::offline:
      // M is relative to the largest score.
      if (state.kept == 0) return static_cast<double>(rule.sdc_m);
      return static_cast<double>(rule.sdc_m) * offline_scale(rule, state.largest) *
             std::exp(static_cast<double>(state.largest) - static_cast<double>(state.shift));
  }
  return 0;
}

}  // namespace

void scale_and_compensate(const RowRule& rule, std::int64_t n, double factor, double total,
                          std::span<const double> value_sum, std::span<float> out) {
  const auto f = static_cast<float>(factor);
  if (!rule.vmc || rule.selection == Selection::dense) {
    for (float& x : out)
      x *= f;
    return;
  }
  const double share = (1 - total) / static_cast<double>(n);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = out[i] * f + static_cast<float>(share * value_sum[i]);
}

HeadCount finish_weights(const RowRule& rule, std::int64_t n, const RowState& state, const RowTotal& total,
                         bool want_lost_mass, std::span<const double> value_sum, std::span<float> out) {
  const double sink = sink_term(rule, total.largest);
  HeadCount count{1, n, state.kept, std::min(n, rule.k), 0};
  if (state.kept == 0) {
    const double sink_share = sink / (total.sum + sink);
    scale_and_compensate(rule, n, 0, sink_share, value_sum, out);
    count.lost_mass = want_lost_mass ? 1 - sink_share : 0;
    return count;
  }
  // Sums over the kept keys are relative to their own largest score.
  const double to_row = std::exp(static_cast<double>(state.shift) - static_cast<double>(total.largest));
  const double kept_sum = state.kept_sum * to_row;
  const double denominator = total.sum + sink;
  const double factor = denominator > 0 ? 1 / denominator : 0;
  scale_and_compensate(rule, n, to_row * factor, (kept_sum + sink) * factor, value_sum, out);
  if (want_lost_mass) count.lost_mass = std::max((total.sum - kept_sum) / denominator, 0.0);
  return count;
}

double kept_sum_relative_to(const RowState& state, float largest) {
  if (state.kept == 0) return 0;
  return state.kept_sum * std::exp(static_cast<double>(state.shift) - static_cast<double>(largest));
}

double lost_share(const RowRule& rule, const RowState& state, const RowTotal& dropped) {
  const double kept_sum = kept_sum_relative_to(state, dropped.largest);
  const double sum = std::max(dropped.sum, 0.0);
  return sum > 0 ? sum / (kept_sum + sum + sink_term(rule, dropped.largest)) : 0;
}

HeadCount finish_row(const RowRule& rule, std::int64_t n, const RowState& state, LostMass lost_mass,
                     std::span<const double> value_sum, std::span<float> out) {
  HeadCount count{1, n, state.kept, std::min(n, rule.k), 0};
  if (state.kept == 0) {
    const double term = dropped_term(rule, state, n, 1);
    const double dropped_sum = lost_mass == LostMass::estimated ? term : state.dropped_sum;
    const NothingKept found = against_sink(rule, static_cast<double>(rule.sdc_scale) * term, dropped_sum);
    scale_and_compensate(rule, n, 0, found.sink_share, value_sum, out);
    count.lost_mass = lost_mass == LostMass::none ? 0 : found.lost_mass;
    return count;
  }
  const std::int64_t dropped = n - state.kept;
  // Scores above theta are relative to a score that is not below theta, so the factor is at most 1.
  const double theta_weight =
      dropped == 0 ? 0 : std::exp(static_cast<double>(rule.theta) - static_cast<double>(state.shift));
  const double sink = sink_term(rule, state.shift);
  const double term = dropped_term(rule, state, dropped, theta_weight);
  const double denominator = state.kept_sum + static_cast<double>(rule.sdc_scale) * term + sink;
  scale_and_compensate(rule, n, 1 / denominator, (state.kept_sum + sink) / denominator, value_sum, out);
  const double dropped_sum =
      lost_mass == LostMass::estimated ? term : times_theta(state.dropped_sum, theta_weight);
  if (lost_mass != LostMass::none)
    count.lost_mass = std::isinf(dropped_sum) ? 1 : dropped_sum / (state.kept_sum + dropped_sum + sink);
  return count;
}

}  // namespace toptheta
