// The running weights of a row of scores, which running-softmax placement compares with thresholds
// (docs/method.md, "Running softmax").
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "calibration/row_threshold.hpp"
#include "core/kept_ends.hpp"
#include "kernels/rows/row_mass.hpp"

namespace toptheta {

// e^(sink - largest), which a sink logit adds to the exp_sum() of the scores; 0 for -infinity (no sink).
double sink_exponential(float sink, float largest);

// Reuses its buffers from row to row. Each thread needs its own.
class RunningRow {
 public:
  // Computes the values e^(s - L), where L is the log-sum-exp of the sink and of all tiles visited up to and
  // including that of s, in the order of core/running_tiles.hpp. The row must be finite and not empty; its
  // first key is at position first_key. Time: one pass with an exponential for every value, one for the range
  // and one to scale.
  void weigh(std::span<const float> scores, std::int64_t first_key, float sink);

  // Sets which ends of the row are kept in any case: they count as above every threshold, until the next
  // weigh().
  void keep(const RowEnds& ends) { ends_ = ends; }

  // The running weights of the last row, in its order; between 0 and 1.
  [[nodiscard]] std::span<const float> values() const { return values_; }
  // How many values are above a threshold, and the softmax mass that these hold. Time: one pass.
  [[nodiscard]] MassAbove above(float threshold) const;
  // The softmax mass of k values: those kept in any case, and the largest of the others. `threshold` is the
  // first value that is not kept. Of the values that tie with it, as many count as are needed to make k, each
  // with the mean mass of the tied values.
  [[nodiscard]] double kept_mass(float threshold, std::int64_t k) const;

 private:
  struct Tile {
    std::size_t begin = 0;
    std::size_t end = 0;
    double log_sum = 0;  // L
    double share = 0;    // softmax weight divided by running weight: e^(L - L of the whole row)
  };

  [[nodiscard]] std::span<const float> of(const Tile& tile) const {
    return std::span(values_).subspan(tile.begin, tile.end - tile.begin);
  }

  // Which of a tile's values are kept in any case.
  [[nodiscard]] RowEnds ends_of(const Tile& tile) const;

  RowEnds ends_;
  std::vector<float> values_;
  std::vector<Tile> tiles_;  // in the order of their visits
};

// What calibrated SDC estimates under running-softmax placement: the keys that are dropped in the tiles
// between the two ends of a row. Such a tile is decided by what is known before it is read: a score is
// dropped unless it is above L' + ln theta, where L' is the log-sum-exp of the sink and of the tiles visited
// before (docs/method.md, "Running softmax"). Calibration has read all of these, so its L' is exact. Each
// thread needs its own.
class RunningDrops {
 public:
  // The row must be finite and not empty, and outlive the next calls; its first key is at position first_key.
  // Time: one pass with an exponential for every value, and one for the ranges.
  void visit(std::span<const float> scores, std::int64_t first_key, float sink);

  // The keys that theta, a threshold of weights, drops in these tiles; the ends are kept in any case.
  // Their logarithm is ln of the sum of e^s over these, divided by what the sum would be if each were at the
  // threshold of its tile: at most 0. Time: up to three passes.
  [[nodiscard]] DroppedScores dropped(double theta, const RowEnds& ends) const;

 private:
  struct Tile {
    std::size_t begin = 0;
    std::size_t end = 0;
    double log_before = 0;  // L'
  };
  std::span<const float> scores_;
  std::vector<Tile> between_;  // in the order of their visits
};

}  // namespace toptheta
