// Random attention problems for the benchmarks: one or more layers of keys and values, queries, thresholds
// that keep a wanted fraction, and a check of attend() against the double-precision version.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "attention/attention.hpp"
#include "core/random.hpp"
#include "support/naive_attention.hpp"

namespace toptheta::bench {

enum class Scores {
  random,    // every key is as likely to be kept as any other, for each head alone
  clustered  // the kept lie in runs of 64 positions that all heads share
};

struct WorldSize {
  ModelShape shape;
  std::int64_t length = 0;
  Scores scores = Scores::random;
  double kept = 0.02;  // fraction of its keys that a row is to keep
  KvType kv = KvType::f32;

  bool operator==(const WorldSize&) const = default;
};

class AttentionWorld {
 public:
  explicit AttentionWorld(const WorldSize& size)
      : size_(size), cache_(size.shape, size.length, Prefilter::automatic, size.kv) {
    const ModelShape& s = size.shape;
    Random random(7);
    const auto gauss = [&random] {
      return std::sqrt(-2 * std::log(1 - random.uniform())) *
             std::cos(2 * std::numbers::pi * random.uniform());
    };
    std::vector<bool> hot(static_cast<std::size_t>(size.length / 64 + 1));
    for (std::size_t i = 0; i < hot.size(); ++i)
      hot[i] = size.scores == Scores::clustered && random.uniform() < size.kept;
    // Hot keys and all queries lean towards one direction: scores there are higher by 6 standard deviations.
    const double lean = size.scores == Scores::clustered ? std::sqrt(6 / std::sqrt(s.head_dim)) : 0;
    q_.resize(static_cast<std::size_t>(size.length * s.num_heads * s.head_dim));
    for (float& x : q_)
      x = static_cast<float>(gauss() + lean);
    k_.resize(static_cast<std::size_t>(size.length * s.num_kv_heads * s.head_dim));
    v_.resize(k_.size());
    const std::int64_t width = s.num_kv_heads * s.head_dim;
    for (std::size_t i = 0; i < k_.size(); ++i) {
      const bool leans = hot[i / static_cast<std::size_t>(width) / 64];
      k_[i] = static_cast<float>(gauss() + (leans ? lean : 0));
      v_[i] = static_cast<float>(gauss());
    }
    round_rows(size.kv, s.head_dim, k_);
    round_rows(size.kv, s.head_dim, v_);
    for (std::int64_t layer = 0; layer < s.num_layers; ++layer)
      cache_.append(layer, size.length, k_.data(), v_.data());
    cache_.advance(size.length);
    calibrate();
  }

  [[nodiscard]] const WorldSize& size() const { return size_; }
  [[nodiscard]] const ModelShape& shape() const { return size_.shape; }
  [[nodiscard]] const KvCache& cache() const { return cache_; }
  [[nodiscard]] float scale() const {
    return static_cast<float>(1 / std::sqrt(static_cast<double>(size_.shape.head_dim)));
  }
  [[nodiscard]] const float* q(std::int64_t row) const {
    return q_.data() + row * size_.shape.num_heads * size_.shape.head_dim;
  }
  [[nodiscard]] const ThresholdTable& table() const { return table_; }
  [[nodiscard]] std::int64_t k() const { return kK; }

  // Runs rows [first, first + rows) of a layer.
  void attend(std::int64_t layer, std::int64_t first, std::int64_t rows, const ResolvedPolicy& policy,
              std::vector<float>& out, const AttentionListeners& listeners = {}) const {
    out.resize(static_cast<std::size_t>(rows * shape().num_heads * shape().head_dim));
    toptheta::attend({.layer = layer,
                      .first_position = first,
                      .rows = rows,
                      .q = q(first),
                      .scale = scale(),
                      .out = out.data()},
                     cache_, policy, listeners);
  }

  // Throws unless the row's output, of all heads, is what the double-precision version says.
  void check(std::int64_t row, const testing::NaiveRule& rule, const float* out) const {
    const ModelShape& s = shape();
    for (std::int64_t h = 0; h < s.num_heads; ++h) {
      testing::NaiveRule own = rule;
      own.theta = static_cast<double>(theta(h));
      const testing::NaiveRow expected = testing::naive_row(scores(h, row), values(h, row), own);
      for (std::int64_t i = 0; i < s.head_dim; ++i)
        if (!(std::abs(expected.out[static_cast<std::size_t>(i)] -
                       static_cast<double>(out[h * s.head_dim + i])) < 1e-4))
          throw std::logic_error("attention differs from the double-precision version");
    }
  }

  [[nodiscard]] std::vector<double> scores(std::int64_t head, std::int64_t row) const {
    const ModelShape& s = shape();
    const std::int64_t g = head / (s.num_heads / s.num_kv_heads);
    std::vector<double> result(static_cast<std::size_t>(row + 1));
    for (std::int64_t j = 0; j <= row; ++j) {
      double sum = 0;
      for (std::int64_t i = 0; i < s.head_dim; ++i)
        sum += static_cast<double>(q(row)[head * s.head_dim + i]) *
               static_cast<double>(k_[static_cast<std::size_t>((j * s.num_kv_heads + g) * s.head_dim + i)]);
      result[static_cast<std::size_t>(j)] = sum * static_cast<double>(scale());
    }
    return result;
  }

 private:
  static constexpr std::int64_t kK = 8;  // rows of at most so many keys are dense

  [[nodiscard]] float theta(std::int64_t head) const {
    return static_cast<float>(table_.targets[0].cells[static_cast<std::size_t>(head)][0].theta);
  }
  [[nodiscard]] std::vector<std::vector<double>> values(std::int64_t head, std::int64_t row) const {
    const ModelShape& s = shape();
    const std::int64_t g = head / (s.num_heads / s.num_kv_heads);
    std::vector<std::vector<double>> rows;
    for (std::int64_t j = 0; j <= row; ++j) {
      const auto begin = v_.begin() + (j * s.num_kv_heads + g) * s.head_dim;
      rows.emplace_back(begin, begin + s.head_dim);
    }
    return rows;
  }
  // One threshold per head: the quantile of the scores of some rows that keeps the wanted fraction.
  void calibrate() {
    table_.meta.shape = size_.shape;
    table_.targets.push_back({kK, std::vector<std::int64_t>(static_cast<std::size_t>(shape().num_layers), kK),
                              std::vector<std::vector<ThresholdEntry>>(
                                  static_cast<std::size_t>(shape().num_layers * shape().num_heads))});
    for (std::int64_t h = 0; h < shape().num_heads; ++h) {
      std::vector<double> sample;
      for (std::int64_t i = 1; i <= 8; ++i) {
        const std::vector<double> row = scores(h, size_.length * i / 8 - 1);
        sample.insert(sample.end(), row.begin(), row.end());
      }
      const auto keep = static_cast<std::int64_t>(static_cast<double>(sample.size()) * size_.kept);
      std::nth_element(sample.begin(), sample.begin() + keep, sample.end(), std::greater<>());
      const double theta = sample[static_cast<std::size_t>(keep)] + 1e-4;  // no score lies on it
      for (std::int64_t layer = 0; layer < shape().num_layers; ++layer)
        table_.targets[0].cells[static_cast<std::size_t>(layer * shape().num_heads + h)].push_back(
            {static_cast<std::int32_t>(size_.length), static_cast<double>(static_cast<float>(theta)), 0, 1, 0,
             0});
    }
  }

  WorldSize size_;
  mutable KvCache cache_;  // attending changes what its policy remembers
  std::vector<float> q_;   // [length][heads][head_dim]
  std::vector<float> k_;   // [length][KV heads][head_dim], the same in all layers
  std::vector<float> v_;
  ThresholdTable table_;
};

}  // namespace toptheta::bench
