// What the rivals keep, written plainly in double, one row after the other: what policies of whole rows are
// tested against. A Kept is that of one query head.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "support/attention_world.hpp"

namespace toptheta::testing {

// What every row of a head keeps: [rows][i + 1].
using Kept = std::vector<std::vector<bool>>;

// Scores of a row but for a constant: logarithms of its dense softmax.
inline std::vector<double> log_weights(const AttentionWorld& world, std::int64_t head, std::int64_t i) {
  std::vector<double> s = world.naive(head, i, {}).weights;
  for (double& x : s)
    x = std::log(x);
  return s;
}

// Indices in descending order of the values, the earliest first among equals.
inline std::vector<std::size_t> descending(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t j = 0; j < order.size(); ++j)
    order[j] = j;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  return order;
}

inline Kept naive_top_p(const AttentionWorld& world, std::int64_t head, double p) {
  Kept kept;
  for (std::int64_t i = 0; i < world.rows(); ++i) {
    const std::vector<double> w = world.naive(head, i, {}).weights;
    std::vector<bool>& row = kept.emplace_back(w.size(), false);
    double mass = 0;
    for (const std::size_t j : descending(w)) {
      if (mass >= p) break;
      row[j] = true;
      mass += w[j];
    }
  }
  return kept;
}

inline Kept naive_window(const AttentionWorld& world, std::int64_t window, std::int64_t sinks) {
  Kept kept;
  for (std::int64_t i = 0; i < world.rows(); ++i) {
    std::vector<bool>& row = kept.emplace_back(static_cast<std::size_t>(i + 1), false);
    for (std::int64_t j = 0; j <= i; ++j)
      row[static_cast<std::size_t>(j)] = j < sinks || j > i - window;
  }
  return kept;
}

inline Kept naive_h2o(const AttentionWorld& world, std::int64_t head, std::int64_t heavy,
                      std::int64_t recent) {
  std::set<std::int64_t> cache;
  std::vector<double> gathered(static_cast<std::size_t>(world.rows()), 0);
  Kept kept;
  for (std::int64_t i = 0; i < world.rows(); ++i) {
    cache.insert(i);
    std::vector<double> old;
    std::vector<std::int64_t> places;
    for (const std::int64_t j : cache)
      if (j <= i - recent) {
        old.push_back(gathered[static_cast<std::size_t>(j)]);
        places.push_back(j);
      }
    const std::vector<std::size_t> order = descending(old);
    for (std::size_t r = static_cast<std::size_t>(heavy); r < order.size(); ++r)
      cache.erase(places[order[r]]);
    const std::vector<double> s = log_weights(world, head, i);
    std::vector<bool>& row = kept.emplace_back(static_cast<std::size_t>(i + 1), false);
    double total = 0;
    for (const std::int64_t j : cache)
      total += std::exp(s[static_cast<std::size_t>(j)]);
    for (const std::int64_t j : cache) {
      row[static_cast<std::size_t>(j)] = true;
      gathered[static_cast<std::size_t>(j)] += std::exp(s[static_cast<std::size_t>(j)]) / total;
    }
  }
  return kept;
}

inline double key_at(const AttentionWorld& world, std::int64_t kv_head, std::int64_t position,
                     std::int64_t channel) {
  const float* const keys = world.cache().keys(0, kv_head);
  return static_cast<double>(
      keys[(position / kKeyBlock * world.shape().head_dim + channel) * kKeyBlock + position % kKeyBlock]);
}

inline Kept naive_quest(const AttentionWorld& world, std::int64_t head, std::int64_t pages,
                        std::int64_t page) {
  Kept kept;
  std::vector<float> unused(static_cast<std::size_t>(world.rows() * world.row_floats()));
  const float* const all_q = world.call(0, world.rows(), unused).q;
  for (std::int64_t i = 0; i < world.rows(); ++i) {
    const float* const q = all_q + i * world.row_floats() + head * world.shape().head_dim;
    std::vector<double> bounds;
    for (std::int64_t p = 0; p < i / page; ++p) {
      double bound = 0;
      for (std::int64_t c = 0; c < world.shape().head_dim; ++c) {
        double best = -std::numeric_limits<double>::infinity();
        for (std::int64_t j = p * page; j < (p + 1) * page; ++j)
          best = std::max(best, static_cast<double>(q[c]) * key_at(world, head / 2, j, c));
        bound += best;
      }
      bounds.push_back(bound);
    }
    std::vector<bool>& row = kept.emplace_back(static_cast<std::size_t>(i + 1), false);
    std::vector<std::size_t> order = descending(bounds);
    order.resize(std::min(order.size(), static_cast<std::size_t>(pages - 1)));
    order.push_back(static_cast<std::size_t>(i / page));
    for (const std::size_t p : order)
      for (std::int64_t j = static_cast<std::int64_t>(p) * page;
           j <= i && j < static_cast<std::int64_t>(p + 1) * page; ++j)
        row[static_cast<std::size_t>(j)] = true;
  }
  return kept;
}

inline Kept naive_blasst(const AttentionWorld& world, std::int64_t head, double lambda, std::int64_t tile) {
  Kept kept;
  for (std::int64_t first = 0; first < world.rows(); first += tile) {
    const std::int64_t last = std::min(first + tile, world.rows());
    std::vector<std::vector<double>> s;
    for (std::int64_t i = first; i < last; ++i) {
      s.push_back(log_weights(world, head, i));
      kept.emplace_back(static_cast<std::size_t>(i + 1), false);
    }
    std::vector<double> running(s.size(), -std::numeric_limits<double>::infinity());
    for (std::int64_t k = 0; k < last; k += tile) {
      bool skip = true;
      for (std::size_t r = 0; r < s.size(); ++r)
        for (std::int64_t j = k; j < std::min(k + tile, std::ssize(s[r])); ++j)
          running[r] = std::max(running[r], s[r][static_cast<std::size_t>(j)]);
      for (std::size_t r = 0; r < s.size(); ++r)
        for (std::int64_t j = k; j < std::min(k + tile, std::ssize(s[r])); ++j)
          if (s[r][static_cast<std::size_t>(j)] >= running[r] + std::log(lambda)) skip = false;
      for (std::size_t r = 0; r < s.size() && !skip; ++r)
        for (std::int64_t j = k; j < std::min(k + tile, std::ssize(s[r])); ++j)
          kept[static_cast<std::size_t>(first) + r][static_cast<std::size_t>(j)] = true;
    }
  }
  return kept;
}

inline Kept naive_xattention(const AttentionWorld& world, std::int64_t head, std::int64_t stride,
                             std::int64_t block, double tau) {
  Kept kept;
  std::vector<std::vector<double>> scores;
  for (std::int64_t i = 0; i < world.rows(); ++i)
    scores.push_back(world.scores(head, i));
  for (std::int64_t first = 0; first < world.rows(); first += block) {
    const std::int64_t last = std::min(first + block, world.rows());
    const std::int64_t own = first / block;
    std::vector<double> mass(static_cast<std::size_t>(own + 1), 0);
    for (std::int64_t group = first; group < last; group += stride) {
      std::vector<std::pair<std::int64_t, double>> means;  // block and mean of each group of keys
      for (std::int64_t keys = 0; keys <= group; keys += stride) {
        double sum = 0;
        double pairs = 0;
        for (std::int64_t i = group; i < std::min(group + stride, last); ++i)
          for (std::int64_t j = keys; j < keys + stride && j <= i; ++j)
            if ((i + j) % stride == stride - 1) {
              sum += scores[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
              pairs += 1;
            }
        if (pairs > 0) means.emplace_back(keys / block, sum / pairs);
      }
      double total = 0;
      for (const auto& [b, mean] : means)
        total += std::exp(mean);
      for (const auto& [b, mean] : means)
        mass[static_cast<std::size_t>(b)] += std::exp(mean) / total;
    }
    std::vector<bool> keep(mass.size(), false);
    keep.front() = keep.back() = true;
    double reached = mass.front() + (own > 0 ? mass.back() : 0);
    double all = 0;
    for (const double m : mass)
      all += m;
    for (const std::size_t b : descending(mass)) {
      if (keep[b] || reached >= tau * all) continue;
      keep[b] = true;
      reached += mass[b];
    }
    for (std::int64_t i = first; i < last; ++i) {
      std::vector<bool>& row = kept.emplace_back(static_cast<std::size_t>(i + 1), false);
      for (std::int64_t j = 0; j <= i; ++j)
        row[static_cast<std::size_t>(j)] = keep[static_cast<std::size_t>(j / block)];
    }
  }
  return kept;
}

}  // namespace toptheta::testing
