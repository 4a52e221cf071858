// Attention by the book, in double precision and without any cleverness: what the kernels are tested against.
// Every line follows docs/method.md; nothing is shared with lib/.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace toptheta::testing {

struct NaiveRule {
  std::string selection = "dense";  // dense, topk, theta, or given: what `given` says
  bool post_softmax = false;
  std::string sdc = "none";  // none, exact, exp-threshold, offline, calibrated
  double gamma = 1;
  bool vmc = false;
  bool cap_k = false;
  std::int64_t k = 0;
  double theta = 0;
  double offline_m = 0;
  double rho = 1;
  bool running = false;         // post-softmax, against the denominator of the tiles visited so far
  std::int64_t keep_first = 0;  // positions that are kept in any case
  std::int64_t keep_recent = 0;
  std::int64_t window = 0;  // keys that a row sees at most; 0: all
  double soft_cap = 0;      // 0: none
  double sink = -std::numeric_limits<double>::infinity();
  std::vector<bool> given{};  // [n]
  // c0, c1, c2 of a law that takes the place of rho; empty: none.
  std::vector<double> rho_law{};
};

struct NaiveRow {
  std::vector<bool> kept;       // [i + 1], false where not seen
  std::vector<double> weights;  // [n], 0 where dropped
  std::vector<double> out;      // [head_dim]
  double lost_mass = 0;
  double of_sink = 0;  // what the sink has of the denominator
};

// Shares of the softmax over the scores and a sink beside them.
inline std::vector<double> naive_softmax(const std::vector<double>& s, double sink) {
  const double m = *std::max_element(s.begin(), s.end());
  std::vector<double> p(s.size());
  double sum = std::exp(sink - m);
  for (std::size_t j = 0; j < s.size(); ++j)
    sum += p[j] = std::exp(s[j] - m);
  for (double& x : p)
    x /= sum;
  return p;
}

// What is kept of some values x, by a rule that has something to choose.
inline std::vector<bool> naive_selection(const std::vector<double>& x, const NaiveRule& rule) {
  std::vector<bool> kept(x.size(), true);
  if (rule.selection == "theta") {
    for (std::size_t j = 0; j < x.size(); ++j)
      kept[j] = x[j] > rule.theta;
    if (rule.cap_k) {
      std::int64_t room = rule.k;
      for (std::size_t j = x.size(); j-- > 0;)
        if (kept[j] && room-- <= 0) kept[j] = false;
    }
    return kept;
  }
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] > x[b]; });
  for (std::size_t r = static_cast<std::size_t>(rule.k); r < order.size(); ++r)
    kept[order[r]] = false;
  return kept;
}

// e^(s_j - L), with L the log-sum-exp of the sink and of the tiles of 128 positions visited up to that of j:
// the row's first, then from its last back to its second. The first score's key is at position `first`.
inline std::vector<double> naive_running(const std::vector<double>& s, std::size_t first, double sink) {
  std::vector<double> x(s.size());
  double sum = std::exp(sink);
  const std::size_t first_tile = first / 128;
  const std::size_t tiles = (first + s.size() - 1) / 128 - first_tile + 1;
  for (std::size_t visit = 0; visit < tiles; ++visit) {
    const std::size_t tile = first_tile + (visit == 0 ? 0 : tiles - visit);
    for (std::size_t j = 0; j < s.size(); ++j)
      if ((first + j) / 128 == tile) sum += std::exp(s[j]);
    for (std::size_t j = 0; j < s.size(); ++j)
      if ((first + j) / 128 == tile) x[j] = std::exp(s[j]) / sum;
  }
  return x;
}

// The same where calibrated SDC estimates the denominator: the sums of the two tiles visited first are known
// in full, but any other tile is compared with the sum known before it, and adds what it keeps and an
// estimate of what it drops.
struct NaiveEstimate {
  std::vector<double> x;
  double denominator = 0;  // relative to a score of 0
};
inline NaiveEstimate naive_estimate(const std::vector<double>& s, std::size_t first, const NaiveRule& rule) {
  NaiveEstimate found{std::vector<double>(s.size()), std::exp(rule.sink)};
  double& sum = found.denominator;
  const std::size_t first_tile = first / 128;
  const std::size_t tiles = (first + s.size() - 1) / 128 - first_tile + 1;
  for (std::size_t visit = 0; visit < tiles; ++visit) {
    const std::size_t tile = first_tile + (visit == 0 ? 0 : tiles - visit);
    for (std::size_t j = 0; j < s.size(); ++j)
      if (visit < 2 && (first + j) / 128 == tile) sum += std::exp(s[j]);
    const double before = sum;
    for (std::size_t j = 0; j < s.size(); ++j) {
      if ((first + j) / 128 != tile) continue;
      found.x[j] = std::exp(s[j]) / before;
      const auto position = static_cast<std::int64_t>(first + j);
      const bool always = position < rule.keep_first ||
                          position + rule.keep_recent >= static_cast<std::int64_t>(first + s.size());
      const bool kept = always || found.x[j] > rule.theta;
      if (visit >= 2) sum += kept ? std::exp(s[j]) : rule.gamma * rule.rho * rule.theta * before;
    }
  }
  return found;
}

// Weights of the kept before VMC, and what the sink has of the denominator.
struct NaiveWeights {
  std::vector<double> of_keys;
  double of_sink = 0;
};
inline NaiveWeights naive_weights(const std::vector<double>& s, const std::vector<bool>& kept, bool dense,
                                  const NaiveRule& rule) {
  const std::vector<double> p = naive_softmax(s, rule.sink);
  const bool nothing = std::count(kept.begin(), kept.end(), true) == 0;
  // Where nothing is kept, the threshold stands in for the largest score.
  const double m = nothing ? rule.theta : *std::max_element(s.begin(), s.end());
  double kept_sum = 0;
  double dropped_sum = 0;
  std::int64_t dropped = 0;
  for (std::size_t j = 0; j < s.size(); ++j) {
    (kept[j] ? kept_sum : dropped_sum) += std::exp(s[j] - m);
    dropped += kept[j] ? 0 : 1;
  }
  double mass = 0;
  if (!dense && rule.sdc == "exact") mass = dropped_sum;
  if (!dense && rule.sdc == "exp-threshold" && dropped > 0)
    mass = static_cast<double>(dropped) * std::exp(rule.theta - m);
  double rho = rule.rho;
  if (!rule.rho_law.empty()) {
    const auto n = static_cast<double>(s.size());
    const double n_kept = nothing ? 1 : n - static_cast<double>(dropped);
    rho = std::exp(rule.rho_law[0] + rule.rho_law[1] * std::log(n) + rule.rho_law[2] * std::log(n_kept));
  }
  if (!dense && rule.sdc == "calibrated" && dropped > 0)
    mass = rho * static_cast<double>(dropped) * std::exp(rule.theta - m);
  // Relative to the largest score, for which the threshold stands in where none is above it.
  const bool above = rule.selection != "theta" || *std::max_element(s.begin(), s.end()) > rule.theta;
  if (!dense && rule.sdc == "offline") mass = rule.offline_m * (above ? 1 : std::exp(rule.theta - m));
  const double sink = std::exp(rule.sink - m);
  const double denominator = kept_sum + rule.gamma * mass + sink;
  NaiveWeights w{std::vector<double>(s.size(), 0)};
  for (std::size_t j = 0; j < s.size(); ++j)
    if (kept[j]) w.of_keys[j] = rule.post_softmax ? p[j] : std::exp(s[j] - m) / denominator;
  w.of_sink = rule.post_softmax ? 1 - std::accumulate(p.begin(), p.end(), 0.0) : sink / denominator;
  if (sink == 0) w.of_sink = 0;
  return w;
}

// all_scores: [i + 1] scale * (q . k) of all keys up to the query's; values: [i + 1][head_dim].
inline NaiveRow naive_row(const std::vector<double>& all_scores,
                          const std::vector<std::vector<double>>& values, const NaiveRule& rule) {
  const std::size_t unseen = rule.window > 0 && all_scores.size() > static_cast<std::size_t>(rule.window)
                                 ? all_scores.size() - static_cast<std::size_t>(rule.window)
                                 : 0;
  std::vector<double> scores(all_scores.begin() + static_cast<std::ptrdiff_t>(unseen), all_scores.end());
  for (double& s : scores)
    if (rule.soft_cap > 0) s = rule.soft_cap * std::tanh(s / rule.soft_cap);
  NaiveRow row;
  const std::vector<double> p = naive_softmax(scores, rule.sink);
  const bool estimated = rule.running && rule.sdc == "calibrated";
  const NaiveEstimate estimate = estimated ? naive_estimate(scores, unseen, rule) : NaiveEstimate{};
  const std::vector<double> x = estimated           ? estimate.x
                                : rule.running      ? naive_running(scores, unseen, rule.sink)
                                : rule.post_softmax ? p
                                                    : scores;
  // What is kept in any case is not chosen from.
  std::vector<std::size_t> rest;
  std::vector<double> x_of_rest;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const auto position = static_cast<std::int64_t>(unseen + j);
    if (position < rule.keep_first || position + rule.keep_recent >= std::ssize(all_scores)) continue;
    rest.push_back(j);
    x_of_rest.push_back(x[j]);
  }
  const bool dense = rule.selection == "dense" || std::ssize(scores) <= rule.k ||
                     (rule.selection == "topk" && std::ssize(rest) <= rule.k);
  std::vector<bool> kept(x.size(), true);
  if (rule.selection == "given") {
    kept = rule.given;
  } else if (!dense) {
    const std::vector<bool> kept_of_rest = naive_selection(x_of_rest, rule);
    for (std::size_t j = 0; j < rest.size(); ++j)
      kept[rest[j]] = kept_of_rest[j];
  }
  NaiveWeights w = naive_weights(scores, kept, dense, rule);
  if (estimated && !dense) {
    for (std::size_t j = 0; j < kept.size(); ++j)
      w.of_keys[j] = kept[j] ? std::exp(scores[j]) / estimate.denominator : 0;
    w.of_sink = std::exp(rule.sink) / estimate.denominator;
  }
  row.weights = w.of_keys;
  row.of_sink = w.of_sink;
  row.out.assign(values[0].size(), 0);
  row.kept.assign(unseen, false);
  row.kept.insert(row.kept.end(), kept.begin(), kept.end());
  double total = 0;
  for (std::size_t j = 0; j < scores.size(); ++j) {
    total += row.weights[j];
    if (!kept[j]) row.lost_mass += p[j];
    for (std::size_t i = 0; i < row.out.size(); ++i)
      row.out[i] += row.weights[j] * values[unseen + j][i];
  }
  if (!rule.vmc) return row;
  for (std::size_t i = 0; i < row.out.size(); ++i) {
    double mean = 0;
    for (std::size_t j = unseen; j < values.size(); ++j)
      mean += values[j][i];
    row.out[i] += (1 - total - w.of_sink) * mean / static_cast<double>(scores.size());
  }
  return row;
}

}  // namespace toptheta::testing
