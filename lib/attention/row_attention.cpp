#include "attention/row_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/running_tiles.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

namespace {

// Selects the entries above theta: positions in scratch.indices[0, kept), and their values (scores or
// probabilities) in scratch.weights. Returns how many there are.
std::int64_t select_above(std::span<const float> row, float theta, RowScratch& scratch) {
  scratch.theta = theta;
  return compact_above(row, theta, scratch.indices.data(), scratch.weights.data());
}

// Selects the k largest; among equal values the earliest positions. Requires k < row.size().
std::int64_t select_topk(std::span<const float> row, std::int64_t k, RowScratch& scratch) {
  // Where values tie with the (k+1)-th largest, fewer than k are above it.
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

// Selects tile by tile, each tile by its own threshold. Positions are those within `rest`, which begins
// rule.keep_first keys into the row.
std::int64_t select_running(std::span<const float> rest, const RowRule& rule, std::int64_t first_key,
                            RowScratch& scratch) {
  scratch.theta = scratch.thresholds.front();  // the lowest, because the first tile is visited first
  const std::int64_t begin = first_key + rule.keep_first;
  const std::int64_t end = begin + std::ssize(rest);
  std::int64_t kept = 0;
  for (std::int64_t at = begin; at < end;) {
    const std::int64_t tile = at / kRunningTile;
    const std::int64_t last = std::min((tile + 1) * kRunningTile, end);
    const std::int64_t some =
        compact_above(rest.subspan(static_cast<std::size_t>(at - begin), static_cast<std::size_t>(last - at)),
                      scratch.thresholds[static_cast<std::size_t>(tile - first_key / kRunningTile)],
                      scratch.indices.data() + kept, scratch.weights.data() + kept);
    for (std::int64_t j = kept; j < kept + some; ++j)
      scratch.indices[static_cast<std::size_t>(j)] += static_cast<std::int32_t>(at - begin);
    kept += some;
    at = last;
  }
  return kept;
}

// Selects from the keys that are not always kept; positions are those within these.
std::int64_t select(std::span<const float> row, const RowRule& rule, std::int64_t first_key,
                    RowScratch& scratch) {
  const auto first = static_cast<std::size_t>(rule.keep_first);
  const auto rest = row.subspan(first, row.size() - first - static_cast<std::size_t>(rule.keep_recent));
  if (rule.selection == Selection::topk) return select_topk(rest, rule.k, scratch);
  if (rule.placement == Placement::running_softmax) return select_running(rest, rule, first_key, scratch);
  return select_above(rest, rule.theta, scratch);
}

// Adds the keys that are always kept before and after those selected between them; returns the number of all.
std::int64_t surround(std::span<const float> row, const RowRule& rule, std::int64_t kept,
                      RowScratch& scratch) {
  if (!rule.keeps_more()) return kept;
  const std::int64_t first = rule.keep_first;
  const auto indices = scratch.indices.begin();
  const auto weights = scratch.weights.begin();
  std::move_backward(indices, indices + kept, indices + kept + first);
  std::move_backward(weights, weights + kept, weights + kept + first);
  for (std::int64_t j = first; j < first + kept; ++j)
    indices[j] += static_cast<std::int32_t>(first);
  std::iota(indices, indices + first, 0);
  std::copy_n(row.begin(), first, weights);
  kept += first;
  const std::int64_t recent = std::ssize(row) - rule.keep_recent;
  std::iota(indices + kept, indices + kept + rule.keep_recent, static_cast<std::int32_t>(recent));
  std::copy(row.begin() + recent, row.end(), weights + kept);
  return kept + rule.keep_recent;
}

// cap-k: keeps only the most recent k of the selected keys, moved to the front.
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

// Post-softmax placement selects by p, and kept keys keep their p. Under running-softmax placement kept keys
// also keep their p, but the selection has seen less of the row.
RowOutcome weigh_post_softmax(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                              RowScratch& scratch) {
  std::vector<float>& p = scratch.probabilities;
  p.assign(scores.begin(), scores.end());
  const float m = row_max(scores);
  const double sink = sink_term(rule, m);
  const double denominator = exp_in_place(p, m) + sink;
  scale(p, 1 / denominator);
  const bool running = rule.placement == Placement::running_softmax;
  if (running) running_thresholds(scores, rule, first_key, m, denominator, scratch.thresholds);
  const std::int64_t kept = select_scores(running ? scores : p, rule, first_key, scratch);
  for (std::int64_t j = 0; j < kept && running; ++j)
    scratch.weights[static_cast<std::size_t>(j)] =
        p[static_cast<std::size_t>(scratch.indices[static_cast<std::size_t>(j)])];
  double mass = 0;
  for (std::int64_t j = 0; j < kept; ++j)
    mass += static_cast<double>(scratch.weights[static_cast<std::size_t>(j)]);
  const double sink_share = sink / denominator;
  return {false, kept, std::max(1 - sink_share - mass, 0.0), sink_share};
}

// The same with a denominator that calibrated SDC completes.
RowOutcome weigh_estimated(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                           bool want_lost_mass, RowScratch& scratch) {
  const double log_sum = estimated_thresholds(scores, rule, first_key, scratch.thresholds);
  const std::int64_t kept = select_scores(scores, rule, first_key, scratch);
  double mass = 0;
  for (std::int64_t j = 0; j < kept; ++j) {
    float& w = scratch.weights[static_cast<std::size_t>(j)];
    w = static_cast<float>(std::exp(static_cast<double>(w) - log_sum));
    mass += static_cast<double>(w);
  }
  RowOutcome outcome{false, kept, 0, std::exp(static_cast<double>(rule.sink) - log_sum)};
  if (!want_lost_mass) return outcome;
  const float m = row_max(scores);
  const double full_sum = exp_sum(scores, m) + sink_term(rule, m);
  const double kept_sum = (mass + outcome.sink_share) * std::exp(log_sum - static_cast<double>(m));
  outcome.lost_mass = std::max(1 - kept_sum / full_sum, 0.0);
  return outcome;
}

// M in the SDC table of docs/method.md, for a row of n scores whose maximum is m. `kept` of them are kept,
// and their exponentials sum to `kept_sum`; `full_sum` is the dense denominator (read only by exact SDC).
double dropped_mass(const RowRule& rule, std::int64_t n, std::int64_t kept, float m, double kept_sum,
                    double full_sum) {
  switch (rule.sdc) {
    case Sdc::none:
      return 0;
    case Sdc::exact:
      return std::max(full_sum - kept_sum, 0.0);
    case Sdc::exp_threshold:
    case Sdc::calibrated:
      // If nothing is dropped there is no term: 0 * e^(-inf - m) and 0 * inf must not become NaN.
      return n == kept ? 0
                       : rho_of(rule, kept) * static_cast<double>(n - kept) *
                             std::exp(static_cast<double>(rule.theta) - static_cast<double>(m));
    case Sdc::offline:
      return static_cast<double>(rule.sdc_m) * offline_scale(rule, m);
  }
  return 0;
}

// No score is above the threshold, so there are no weights. With a sink, the mass that the row's scores would
// have had is lost. The threshold stands in for their largest score, which a prefilter would not know.
RowOutcome weigh_nothing(std::span<const float> scores, const RowRule& rule, bool want_lost_mass) {
  const bool need_full_sum = want_lost_mass || rule.sdc == Sdc::exact;
  const double full_sum = need_full_sum ? exp_sum(scores, rule.theta) : 0;
  const auto n = static_cast<std::int64_t>(scores.size());
  const double dropped =
      static_cast<double>(rule.sdc_scale) * dropped_mass(rule, n, 0, rule.theta, 0, full_sum);
  const NothingKept found = against_sink(rule, dropped, full_sum);
  return {false, 0, found.lost_mass, found.sink_share};
}

// The sum of e^(s - shift). Where only keys that are always kept are kept, the largest score may be far above
// `shift`, and the sum infinite.
double full_sum_relative_to(std::span<const float> scores, float shift) {
  const float largest = std::max(row_max(scores), shift);
  return exp_sum(scores, largest) * std::exp(static_cast<double>(largest) - static_cast<double>(shift));
}

RowOutcome weigh_pre_softmax(std::span<const float> scores, const RowRule& rule, bool want_lost_mass,
                             RowScratch& scratch) {
  std::int64_t kept = select(scores, rule, 0, scratch);
  if (kept == 0 && !rule.keeps_more()) return weigh_nothing(scores, rule, want_lost_mass);
  // Scores above a threshold are the largest of the row, so their maximum, taken before cap-k, is the row's.
  float m = row_max({scratch.weights.data(), static_cast<std::size_t>(kept)});
  if (rule.cap_k) kept = cap_to_recent(kept, rule.k, scratch);
  kept = surround(scores, rule, kept, scratch);
  const std::span<float> weights(scratch.weights.data(), static_cast<std::size_t>(kept));
  m = std::max(m, row_max(weights));
  const double kept_sum = exp_in_place(weights, m);
  const bool need_full_sum = want_lost_mass || rule.sdc == Sdc::exact;
  const double full_sum = need_full_sum ? full_sum_relative_to(scores, m) : 0;
  const auto n = static_cast<std::int64_t>(scores.size());
  const double dropped = dropped_mass(rule, n, kept, m, kept_sum, full_sum);
  const double sink = sink_term(rule, m);
  const double denominator = kept_sum + static_cast<double>(rule.sdc_scale) * dropped + sink;
  // cap-k may keep only keys so far below the maximum that their exponentials vanish.
  scale(weights, denominator > 0 ? 1 / denominator : 0);
  double lost = 0;
  if (need_full_sum)
    lost = std::isinf(full_sum) ? 1 : std::max((full_sum - kept_sum) / (full_sum + sink), 0.0);
  return {false, kept, lost, denominator > 0 ? sink / denominator : 0};
}

}  // namespace

RowRule row_rule(const ResolvedPolicy& policy, std::int64_t layer, std::int64_t head, const RowExtent& row,
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
  const std::int64_t first = std::clamp<std::int64_t>(asked.keep_first - row.first_key, 0, row.n);
  const std::int64_t recent = std::min(asked.keep_recent, row.n - first);
  const bool chooses = rule.selection != Selection::topk || row.n - first - recent > rule.k;
  if (row.n <= rule.k || !chooses) {
    rule.selection = Selection::dense;
    return rule;
  }
  rule.keep_first = first;
  rule.keep_recent = recent;
  const auto length = static_cast<std::size_t>(row.n);
  if (rule.selection == Selection::theta) rule.theta = policy.theta(layer, head)[length];
  if (rule.sdc == Sdc::offline) rule.sdc_m = policy.sdc(layer, head)[length];
  if (rule.sdc == Sdc::calibrated) {
    rule.rho = policy.rho(layer, head)[length];
    const RhoLaw law = policy.rho_law(layer, head);
    rule.has_rho_law = law.any();
    rule.law_at_length = law.at_length(row.n);
    rule.law_of_kept = law.of_kept;
  }
  return rule;
}

double rho_of(const RowRule& rule, std::int64_t n_kept) {
  if (!rule.has_rho_law) return static_cast<double>(rule.rho);
  return rho_of_law(rule.law_at_length, rule.law_of_kept, n_kept);
}

float score_threshold(float theta, float largest, double full_sum) {
  if (!(theta > 0)) return -std::numeric_limits<float>::infinity();
  return static_cast<float>(static_cast<double>(largest) + std::log(static_cast<double>(theta) * full_sum));
}

double offline_scale(const RowRule& rule, float m) {
  const bool below = rule.selection == Selection::theta && rule.theta > m;
  return below ? std::exp(static_cast<double>(rule.theta) - static_cast<double>(m)) : 1;
}

namespace {

bool any_nan(std::span<const float> row) {
  return std::any_of(row.begin(), row.end(), [](float x) { return std::isnan(x); });
}

// If a score is NaN or the largest is infinite, no weight is a number. All weights become NaN, because a
// policy's selection might hide it otherwise.
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

std::int64_t select_scores(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                           RowScratch& scratch) {
  std::int64_t kept = select(scores, rule, first_key, scratch);
  if (rule.cap_k) kept = cap_to_recent(kept, rule.k, scratch);
  return surround(scores, rule, kept, scratch);
}

RowOutcome select_and_weigh(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                            bool want_lost_mass, RowScratch& scratch) {
  const std::size_t room = scores.size() + static_cast<std::size_t>(kKeyBlock);
  if (scratch.weights.size() < room) scratch.weights.resize(room);
  if (scratch.indices.size() < room) scratch.indices.resize(room);
  if (const RowRange range = row_range(scores);
      !range.finite && (any_nan(scores) || !std::isfinite(range.largest)))
    return no_numbers(scores.size(), scratch);
  if (rule.selection == Selection::dense) return weigh_all(scores, rule, scratch);
  if (rule.estimates_denominator()) return weigh_estimated(scores, rule, first_key, want_lost_mass, scratch);
  if (rule.placement != Placement::pre_softmax) return weigh_post_softmax(scores, rule, first_key, scratch);
  return weigh_pre_softmax(scores, rule, want_lost_mass, scratch);
}

}  // namespace toptheta
