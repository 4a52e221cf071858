// Random queries, keys and values of one layer, with the double-precision answer for any row.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "attention/attention.hpp"
#include "core/random.hpp"
#include "support/naive_attention.hpp"

namespace toptheta::testing {

class AttentionWorld {
 public:
  // clustered: the keys of one run of 64 in ten lean towards all queries, so that scores there are higher.
  AttentionWorld(const ModelShape& shape, std::int64_t rows, std::uint64_t seed,
                 Prefilter prefilter = Prefilter::none, bool clustered = false, float scale = 0.2F)
      : scale_(scale),
        shape_(shape),
        rows_(rows),
        cache_(shape, rows, prefilter),
        q_(static_cast<std::size_t>(rows * shape.num_heads * shape.head_dim)),
        k_(static_cast<std::size_t>(rows * shape.num_kv_heads * shape.head_dim)),
        v_(k_.size()) {
    Random random(seed);
    for (auto* values : {&q_, &k_, &v_})
      for (float& x : *values)
        x = static_cast<float>(4 * random.uniform() - 2);
    const std::int64_t width = shape.num_kv_heads * shape.head_dim;
    for (std::size_t i = 0; clustered && i < k_.size(); ++i)
      k_[i] = 0.25F * k_[i] + (static_cast<std::int64_t>(i) / width / 64 % 10 == 3 ? 0.8F : 0);
    for (std::size_t i = 0; clustered && i < q_.size(); ++i)
      q_[i] = 0.25F * q_[i] + 0.7F;
    cache_.append(0, rows, k_.data(), v_.data());
    cache_.advance(rows);
  }

  // What the model does beyond the plain softmax; sinks, where there are some, by head.
  void use(std::int64_t window, float cap, std::vector<float> sinks) {
    sinks_ = std::move(sinks);
    arithmetic_ = {window, cap, sinks_};
  }
  // The same for the double-precision version.
  [[nodiscard]] NaiveRule with_arithmetic(NaiveRule rule, std::int64_t head) const {
    rule.window = arithmetic_.window;
    rule.soft_cap = static_cast<double>(arithmetic_.soft_cap);
    if (!sinks_.empty()) rule.sink = static_cast<double>(sinks_[static_cast<std::size_t>(head)]);
    return rule;
  }
  // Keys that the query at a position sees.
  [[nodiscard]] std::int64_t row_length(std::int64_t i) const { return i + 1 - arithmetic_.first_key(i); }

  [[nodiscard]] const ModelShape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] KvCache& cache() const { return cache_; }
  [[nodiscard]] const std::vector<float>& queries() const { return q_; }
  [[nodiscard]] const std::vector<float>& keys() const { return k_; }
  [[nodiscard]] const std::vector<float>& values() const { return v_; }
  [[nodiscard]] std::int64_t row_floats() const { return shape_.num_heads * shape_.head_dim; }
  [[nodiscard]] float scale() const { return scale_; }

  // Rows first ... first + count - 1 of the sequence: [count, num_heads, head_dim].
  [[nodiscard]] std::vector<float> attend(const ResolvedPolicy& policy, std::int64_t first,
                                          std::int64_t count,
                                          const AttentionListeners& listeners = {}) const {
    std::vector<float> out(static_cast<std::size_t>(count * row_floats()));
    toptheta::attend(call(first, count, out), cache_, policy, listeners);
    return out;
  }
  [[nodiscard]] AttentionCall call(std::int64_t first, std::int64_t count, std::vector<float>& out) const {
    return {.layer = 0,
            .first_position = first,
            .rows = count,
            .q = q_.data() + first * row_floats(),
            .scale = scale(),
            .out = out.data(),
            .arithmetic = arithmetic_};
  }

  // scale * (q . k) of all keys up to the query's, in double; valid until the world goes.
  [[nodiscard]] const std::vector<double>& scores(std::int64_t head, std::int64_t i) const {
    return row_of(head, i).scores;
  }
  [[nodiscard]] NaiveRow naive(std::int64_t head, std::int64_t i, const NaiveRule& rule) const {
    const Row& row = row_of(head, i);
    return naive_row(row.scores, row.values, with_arithmetic(rule, head));
  }

  // A table with a threshold for every head and length above k.
  [[nodiscard]] ThresholdTable table(Placement placement, std::int64_t k,
                                     const std::function<double(std::int64_t head, std::int64_t n)>& theta,
                                     double sdc, double rho = kNotCalibrated) const {
    ThresholdTable table;
    table.meta.shape = shape_;
    table.meta.placement = placement;
    Target target{
        k, {k}, std::vector<std::vector<ThresholdEntry>>(static_cast<std::size_t>(shape_.num_heads))};
    for (std::int64_t h = 0; h < shape_.num_heads; ++h)
      for (std::int64_t n = k + 1; n <= rows_; ++n)
        target.cells[static_cast<std::size_t>(h)].push_back(
            {static_cast<std::int32_t>(n), theta(h, n), 0, 1, sdc, 0.5, rho});
    table.targets.push_back(target);
    return table;
  }

 private:
  struct Row {
    std::vector<double> scores;
    std::vector<std::vector<double>> values;
  };
  [[nodiscard]] Row& row_of(std::int64_t head, std::int64_t i) const {
    Row& row = known_[{head, i}];
    const std::int64_t g = head / (shape_.num_heads / shape_.num_kv_heads);
    for (std::int64_t j = std::ssize(row.scores); j <= i; ++j) {
      const float* k = k_.data() + (j * shape_.num_kv_heads + g) * shape_.head_dim;
      const float* v = v_.data() + (j * shape_.num_kv_heads + g) * shape_.head_dim;
      const float* q = q_.data() + (i * shape_.num_heads + head) * shape_.head_dim;
      double score = 0;
      for (std::int64_t d = 0; d < shape_.head_dim; ++d)
        score += static_cast<double>(q[d]) * static_cast<double>(k[d]);
      row.scores.push_back(score * static_cast<double>(scale()));
      row.values.emplace_back(v, v + shape_.head_dim);
    }
    return row;
  }
  mutable std::map<std::pair<std::int64_t, std::int64_t>, Row> known_;  // by head and position
  float scale_;
  std::vector<float> sinks_{};
  AttentionArithmetic arithmetic_{};
  ModelShape shape_;
  std::int64_t rows_;
  mutable KvCache cache_;  // attending changes what its policy remembers, not what it holds
  std::vector<float> q_;   // [rows][num_heads][head_dim]
  std::vector<float> k_;   // [rows][num_kv_heads][head_dim]
  std::vector<float> v_;
};

}  // namespace toptheta::testing
