// Internal to calibration: what each candidate k costs and loses in a head, read from its curves.
#pragma once
#include <cstdint>
#include <vector>

#include "calibration/allocation.hpp"
#include "theta/table.hpp"

namespace toptheta {

// The rows of one curve. Lengths from the shortest to the longest are assumed to be equally frequent.
struct RowsOfBin {
  double rows = 0;
  double mean = 0;  // row length
  double shortest = 0;
  double longest = 0;

  // Share of the rows with n <= k, which are dense.
  [[nodiscard]] double dense_share(double k) const;
  // Mean length of the rows that are not dense; `mean` if none is dense.
  [[nodiscard]] double mean_sparse(double k) const;
  // The elements that a row keeps on average: the mean of min(n, k).
  [[nodiscard]] double kept(double k) const;
};

// One head's calibration rows.
struct RowsOfHead {
  double rows = 0;
  double elements = 0;  // visible elements
  std::vector<RowsOfBin> bins{};
  [[nodiscard]] double kept(double k) const;  // elements that all rows together keep
};

RowsOfHead head_rows(const std::vector<ScoreCurve>& curves);

// The candidates between `smallest` and `largest`: every k up to 64 and 32 per octave beyond, up to `longest`
// - 1. The last is kDenseK if `largest` is.
std::vector<std::int64_t> candidate_k(std::int32_t longest, std::int64_t smallest, std::int64_t largest);

// For every k, in order: the cost in kept elements and the loss in softmax mass, summed over all rows. Time:
// O(k * curves * log bins).
std::vector<Choice> choices_of(const std::vector<ScoreCurve>& curves, Placement placement,
                               const std::vector<std::int64_t>& k);

}  // namespace toptheta
