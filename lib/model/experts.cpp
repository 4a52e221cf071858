// A mixture of experts: each row goes to the experts that the router chooses for it.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/transformer_impl.hpp"

namespace toptheta {

namespace {

// Replaces a row's router logits by the weights of the chosen experts, and by 0 for the others.
void choose(std::span<float> logits, const Experts& experts) {
  const std::vector<double> given(logits.begin(), logits.end());
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto chosen = order.begin() + experts.per_token;
  // Of equal logits the first comes first, as in a stable sort.
  std::partial_sort(order.begin(), chosen, order.end(), [&](std::size_t a, std::size_t b) {
    return given[a] != given[b] ? given[a] > given[b] : a < b;
  });
  const auto exponential = [&](std::size_t e) { return std::exp(given[e] - given[order.front()]); };
  double sum = 0;
  for (auto e = order.begin(); e != (experts.normalised ? chosen : order.end()); ++e)
    sum += exponential(*e);
  std::fill(logits.begin(), logits.end(), 0.0F);
  for (auto e = order.begin(); e != chosen; ++e)
    logits[*e] = static_cast<float>(exponential(*e) / sum);
}

}  // namespace

// expert_sums = sum over the chosen experts of weight * expert(input). All rows of an expert go through one
// product, and experts add to a row in the order of their numbers.
void Transformer::Impl::mix_experts(const ExpertWeights& experts, ActivationRows& input, const Pass& pass) {
  const std::int64_t count = config.experts.count;
  const auto hidden = static_cast<std::size_t>(config.hidden_size);
  routes.resize(static_cast<std::size_t>(pass.rows * count));
  for (ActivationRows* matrix : {&gathered, &expert_results, &expert_sums})
    matrix->reserve(pass.rows);
  experts.router.front().apply(input.data(), pass.rows, routes.data());
  const auto route = [&](std::int64_t row, std::int64_t e) -> float& {
    return routes[static_cast<std::size_t>(row * count + e)];
  };
  for_each_row(pass.rows, [&](std::int64_t r) {
    choose({&route(r, 0), static_cast<std::size_t>(count)}, config.experts);
    std::fill_n(expert_sums.row(r).begin(), hidden, 0.0F);
  });
  std::vector<std::int64_t> rows;
  for (std::int64_t e = 0; e < count; ++e) {
    rows.clear();
    for (std::int64_t r = 0; r < pass.rows; ++r)
      if (route(r, e) != 0) rows.push_back(r);
    if (rows.empty()) continue;
    const std::int64_t size = std::ssize(rows);
    for_each_row(size, [&](std::int64_t i) {
      const auto from = input.row(rows[static_cast<std::size_t>(i)]);
      std::copy(from.begin(), from.end(), gathered.row(i).begin());
    });
    experts.up[static_cast<std::size_t>(e)].apply(gathered.data(), size, act.up.data());
    activate_rows(size, config.experts.ffn_size);
    experts.down[static_cast<std::size_t>(e)].apply(act.gated.data(), size, expert_results.data());
    for_each_row(size, [&](std::int64_t i) {
      const std::int64_t r = rows[static_cast<std::size_t>(i)];
      const std::span<const float> from = expert_results.row(i);
      const std::span<float> to = expert_sums.row(r);
      for (std::size_t j = 0; j < hidden; ++j)
        to[j] += route(r, e) * from[j];
    });
  }
}

}  // namespace toptheta
