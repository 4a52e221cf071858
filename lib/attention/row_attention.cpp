#include "attention/row_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/attention/score_rows.hpp"

namespace toptheta {

namespace {

// Selected entries of a row: scratch.indices[0, kept) and their values, scores or probabilities, in
// scratch.weights. Returns how many.
std::int64_t select_above(std::span<const float> row, float theta, RowScratch& scratch) {
  scratch.theta = theta;
  return compact_above(row, theta, scratch.indices.data(), scratch.weights.data());
}

// The k largest; among equal values the earliest positions. Requires k < row.size().
std::int64_t select_topk(std::span<const float> row, std::int64_t k, RowScratch& scratch) {
  // What is above the (k+1)-th largest is fewer than k where values tie with it.
  const float next = kth_largest(row, k, scratch.select);
  scratch.theta = next;
  const std::int64_t above = compact_above(row, next, scratch.indices.data(), scratch.weights.data());
  if (above == k) return k;
  std::int64_t ties_to_keep = k - above;
  std::int64_t kept = 0;
  for (std::size_t j = 0; j < row.size(); ++j) {
    if (row[j] < next || (row[j] == next && ties_to_keep-- <= 0)) continue;
    scratch.indices[static_cast<std::size_t>(kept)] = static_cast<std::int32_t>(j);
    scratch.weights[static_cast<std::size_t>(kept++)] = row[j];
  }
  return kept;
}

std::int64_t select(std::span<const float> row, const RowRule& rule, RowScratch& scratch) {
  return rule.selection == Selection::theta ? select_above(row, rule.theta, scratch)
                                            : select_topk(row, rule.k, scratch);
}

// cap-k: only the most recent k of the kept stay; they move to the front.
std::int64_t cap_to_recent(std::int64_t kept, std::int64_t k, RowScratch& scratch) {
  if (kept <= k) return kept;
  std::move(scratch.indices.begin() + (kept - k), scratch.indices.begin() + kept, scratch.indices.begin());
  std::move(scratch.weights.begin() + (kept - k), scratch.weights.begin() + kept, scratch.weights.begin());
  return k;
}

void scale(std::span<float> weights, double factor) {
  const auto f = static_cast<float>(factor);
  for (float& w : weights)
    w *= f;
}

RowOutcome weigh_all(std::span<const float> scores, const RowRule& rule, RowScratch& scratch) {
  std::copy(scores.begin(), scores.end(), scratch.weights.begin());
  const std::span<float> weights(scratch.weights.data(), scores.size());
  const float m = row_max(scores);
  const double sink = sink_term(rule, m);
  const double denominator = exp_in_place(weights, m) + sink;
  scale(weights, 1 / denominator);
  return {true, static_cast<std::int64_t>(scores.size()), 0, sink / denominator};
}

// Post-softmax placement: the selection sees p, and the kept keep their p.
RowOutcome weigh_post_softmax(std::span<const float> scores, const RowRule& rule, RowScratch& scratch) {
  std::vector<float>& p = scratch.probabilities;
  p.assign(scores.begin(), scores.end());
  const float m = row_max(scores);
  const double sink = sink_term(rule, m);
  const double denominator = exp_in_place(p, m) + sink;
  scale(p, 1 / denominator);
  std::int64_t kept = select(p, rule, scratch);
  if (rule.cap_k) kept = cap_to_recent(kept, rule.k, scratch);
  double mass = 0;
  for (std::int64_t j = 0; j < kept; ++j)
    mass += static_cast<double>(scratch.weights[static_cast<std::size_t>(j)]);
  const double sink_share = sink / denominator;
  return {false, kept, std::max(1 - sink_share - mass, 0.0), sink_share};
}

// M of the SDC table in docs/method.md, for a row of n scores with maximum m of which `kept` stay with
// exponentials that sum to `kept_sum`; `full_sum` is the dense denominator (only read by exact SDC).
double dropped_mass(const RowRule& rule, std::int64_t n, std::int64_t kept, float m, double kept_sum,
                    double full_sum) {
  switch (rule.sdc) {
    case Sdc::none:
      return 0;
    case Sdc::exact:
      return std::max(full_sum - kept_sum, 0.0);
    case Sdc::exp_threshold:
    case Sdc::calibrated:
      // No drop, no term: 0 * e^(-inf - m) and 0 * inf must not become NaN.
      return n == kept ? 0
                       : static_cast<double>(rule.rho) * static_cast<double>(n - kept) *
                             std::exp(static_cast<double>(rule.theta) - static_cast<double>(m));
    case Sdc::offline:
      return static_cast<double>(rule.sdc_m);
  }
  return 0;
}

// Nothing is above the threshold: no weights. Against a sink, what the row's scores would have had is lost;
// the threshold stands in for their largest, which a prefilter would not know.
RowOutcome weigh_nothing(std::span<const float> scores, const RowRule& rule, bool want_lost_mass) {
  const bool need_full_sum = want_lost_mass || rule.sdc == Sdc::exact;
  const double full_sum = need_full_sum ? exp_sum(scores, rule.theta) : 0;
  const auto n = static_cast<std::int64_t>(scores.size());
  const double dropped =
      static_cast<double>(rule.sdc_scale) * dropped_mass(rule, n, 0, rule.theta, 0, full_sum);
  const NothingKept found = against_sink(rule, dropped, full_sum);
  return {false, 0, found.lost_mass, found.sink_share};
}

RowOutcome weigh_pre_softmax(std::span<const float> scores, const RowRule& rule, bool want_lost_mass,
                             RowScratch& scratch) {
  std::int64_t kept = select(scores, rule, scratch);
  if (kept == 0) return weigh_nothing(scores, rule, want_lost_mass);
  // The kept are the largest, so their maximum, taken before cap-k, is the row's.
  const float m = row_max({scratch.weights.data(), static_cast<std::size_t>(kept)});
  if (rule.cap_k) kept = cap_to_recent(kept, rule.k, scratch);
  const std::span<float> weights(scratch.weights.data(), static_cast<std::size_t>(kept));
  const double kept_sum = exp_in_place(weights, m);
  const bool need_full_sum = want_lost_mass || rule.sdc == Sdc::exact;
  const double full_sum = need_full_sum ? exp_sum(scores, m) : 0;
  const auto n = static_cast<std::int64_t>(scores.size());
  const double dropped = dropped_mass(rule, n, kept, m, kept_sum, full_sum);
  const double sink = sink_term(rule, m);
  const double denominator = kept_sum + static_cast<double>(rule.sdc_scale) * dropped + sink;
  // cap-k may keep only entries so far below the maximum that their exponentials vanish.
  scale(weights, denominator > 0 ? 1 / denominator : 0);
  return {false, kept, need_full_sum ? std::max((full_sum - kept_sum) / (full_sum + sink), 0.0) : 0,
          denominator > 0 ? sink / denominator : 0};
}

}  // namespace

RowRule row_rule(const ResolvedPolicy& policy, std::int64_t layer, std::int64_t head, std::int64_t n,
                 float sink) {
  const Policy& asked = policy.policy();
  RowRule rule{.selection = asked.selection,
               .placement = asked.placement,
               .sdc = asked.sdc,
               .sdc_scale = static_cast<float>(asked.sdc_scale),
               .vmc = asked.vmc,
               .cap_k = asked.cap_k,
               .k = policy.k(layer, head),
               .sink = sink};
  if (n <= rule.k) {
    rule.selection = Selection::dense;
    return rule;
  }
  const auto length = static_cast<std::size_t>(n);
  if (rule.selection == Selection::theta) rule.theta = policy.theta(layer, head)[length];
  if (rule.sdc == Sdc::offline) rule.sdc_m = policy.sdc(layer, head)[length];
  if (rule.sdc == Sdc::calibrated) rule.rho = policy.rho(layer, head)[length];
  return rule;
}

float score_threshold(float theta, float largest, double full_sum) {
  if (!(theta > 0)) return -std::numeric_limits<float>::infinity();
  return static_cast<float>(static_cast<double>(largest) + std::log(static_cast<double>(theta) * full_sum));
}

namespace {

bool any_nan(std::span<const float> row) {
  return std::any_of(row.begin(), row.end(), [](float x) { return std::isnan(x); });
}

// A score that is not a number, or a largest that is infinite, leaves nothing that is a number: whatever a
// policy made of it would hide it.
RowOutcome no_numbers(std::size_t n, RowScratch& scratch) {
  std::fill_n(scratch.weights.begin(), n, std::numeric_limits<float>::quiet_NaN());
  return {true, static_cast<std::int64_t>(n), 0, 0};
}

}  // namespace

double sink_term(const RowRule& rule, float shift) {
  return rule.has_sink() ? std::exp(static_cast<double>(rule.sink) - static_cast<double>(shift)) : 0;
}

NothingKept against_sink(const RowRule& rule, double dropped_term, double dropped_sum) {
  if (!rule.has_sink()) return {};
  // Relative to the larger of the two, so that neither overflows.
  const float largest = std::max(rule.theta, rule.sink);
  const double sink = sink_term(rule, largest);
  const double to_largest = std::exp(static_cast<double>(rule.theta) - static_cast<double>(largest));
  const auto part = [](double some, double rest) { return rest > 0 ? some / (some + rest) : 1; };
  return {part(sink, dropped_term * to_largest), 1 - part(sink, dropped_sum * to_largest)};
}

std::int64_t select_scores(std::span<const float> scores, const RowRule& rule, RowScratch& scratch) {
  const std::int64_t kept = select(scores, rule, scratch);
  return rule.cap_k ? cap_to_recent(kept, rule.k, scratch) : kept;
}

RowOutcome select_and_weigh(std::span<const float> scores, const RowRule& rule, bool want_lost_mass,
                            RowScratch& scratch) {
  const std::size_t room = scores.size() + static_cast<std::size_t>(kKeyBlock);
  if (scratch.weights.size() < room) scratch.weights.resize(room);
  if (scratch.indices.size() < room) scratch.indices.resize(room);
  if (const RowRange range = row_range(scores);
      !range.finite && (any_nan(scores) || !std::isfinite(range.largest)))
    return no_numbers(scores.size(), scratch);
  if (rule.selection == Selection::dense) return weigh_all(scores, rule, scratch);
  if (rule.placement == Placement::post_softmax) return weigh_post_softmax(scores, rule, scratch);
  return weigh_pre_softmax(scores, rule, want_lost_mass, scratch);
}

}  // namespace toptheta
