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
  std::string selection = "dense";  // dense, topk, theta
  bool post_softmax = false;
  std::string sdc = "none";  // none, exact, exp-threshold, offline
  double gamma = 1;
  bool vmc = false;
  bool cap_k = false;
  std::int64_t k = 0;
  double theta = 0;
  double offline_m = 0;
};

struct NaiveRow {
  std::vector<bool> kept;       // [n]
  std::vector<double> weights;  // [n], 0 where dropped
  std::vector<double> out;      // [head_dim]
  double lost_mass = 0;
};

inline std::vector<double> naive_softmax(const std::vector<double>& s) {
  const double m = *std::max_element(s.begin(), s.end());
  std::vector<double> p(s.size());
  double sum = 0;
  for (std::size_t j = 0; j < s.size(); ++j)
    sum += p[j] = std::exp(s[j] - m);
  for (double& x : p)
    x /= sum;
  return p;
}

inline std::vector<bool> naive_selection(const std::vector<double>& x, const NaiveRule& rule) {
  const auto n = static_cast<std::int64_t>(x.size());
  std::vector<bool> kept(x.size(), true);
  if (rule.selection == "dense" || n <= rule.k) return kept;
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

// Weights of the kept before VMC.
inline std::vector<double> naive_weights(const std::vector<double>& s, const std::vector<bool>& kept,
                                         const NaiveRule& rule) {
  const std::vector<double> p = naive_softmax(s);
  const bool dense = rule.selection == "dense" || static_cast<std::int64_t>(s.size()) <= rule.k;
  const double m = *std::max_element(s.begin(), s.end());
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
  if (!dense && rule.sdc == "offline") mass = rule.offline_m;
  std::vector<double> w(s.size(), 0);
  for (std::size_t j = 0; j < s.size(); ++j)
    if (kept[j]) w[j] = rule.post_softmax ? p[j] : std::exp(s[j] - m) / (kept_sum + rule.gamma * mass);
  return w;
}

// scores: [n]; values: [n][head_dim].
inline NaiveRow naive_row(const std::vector<double>& scores, const std::vector<std::vector<double>>& values,
                          const NaiveRule& rule) {
  NaiveRow row;
  const std::vector<double> p = naive_softmax(scores);
  row.kept = naive_selection(rule.post_softmax ? p : scores, rule);
  row.weights = naive_weights(scores, row.kept, rule);
  row.out.assign(values[0].size(), 0);
  double total = 0;
  row.lost_mass = 1;
  for (std::size_t j = 0; j < scores.size(); ++j) {
    total += row.weights[j];
    if (row.kept[j]) row.lost_mass -= p[j];
    for (std::size_t i = 0; i < row.out.size(); ++i)
      row.out[i] += row.weights[j] * values[j][i];
  }
  if (!rule.vmc) return row;
  for (std::size_t i = 0; i < row.out.size(); ++i) {
    double mean = 0;
    for (const auto& v : values)
      mean += v[i];
    row.out[i] += (1 - total) * mean / static_cast<double>(values.size());
  }
  return row;
}

}  // namespace toptheta::testing
