// One row of scores as running-softmax placement sees it (docs/method.md, "Running softmax").
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/kept_ends.hpp"
#include "kernels/rows/row_mass.hpp"

namespace toptheta {

// e^(sink - largest), what a logit beside the scores adds to their exp_sum(); 0 for -infinity.
double sink_exponential(float sink, float largest);

// Keeps its memory from row to row; one for each thread.
class RunningRow {
 public:
  // Values e^(s - L), L the log-sum-exp of the sink and of all tiles visited up to that of s, in the order of
  // core/running_tiles.hpp. The row must not be empty, and finite; its first key is at position first_key.
  // Time: one pass with an exponential for every value, and one over its range.
  void weigh(std::span<const float> scores, std::int64_t first_key, float sink);

  // Of the last row: what it keeps in any case, which counts as above every threshold. Until the next
  // weigh().
  void keep(const RowEnds& ends) { ends_ = ends; }

  // Of the last row, in its order; between 0 and 1.
  [[nodiscard]] std::span<const float> values() const { return values_; }
  // How many values are above a threshold, and the softmax mass that these hold. Time: a pass.
  [[nodiscard]] MassAbove above(float threshold) const;
  // The softmax mass of k values: those kept in any case and the largest others, of which `threshold` is the
  // first that is not kept; of those that tie with it
  // as many as are needed to make k count, each with the mean mass of the tied.
  [[nodiscard]] double kept_mass(float threshold, std::int64_t k) const;

 private:
  struct Tile {
    std::size_t begin = 0;
    std::size_t end = 0;
    double log_sum = 0;  // L
    double share = 0;    // softmax weight of a key over its value: e^(L - L of the whole row)
  };

  [[nodiscard]] std::span<const float> of(const Tile& tile) const {
    return std::span(values_).subspan(tile.begin, tile.end - tile.begin);
  }

  // Of a tile's values, those that are kept in any case.
  [[nodiscard]] RowEnds ends_of(const Tile& tile) const;

  RowEnds ends_;
  std::vector<float> values_;
  std::vector<Tile> tiles_;  // in the order of their visits
};

}  // namespace toptheta
