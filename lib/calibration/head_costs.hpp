// Inside calibration: what every candidate k costs and loses in every head, read from curves.
#pragma once
#include <cstdint>
#include <vector>

#include "calibration/allocation.hpp"
#include "theta/table.hpp"

namespace toptheta {

// The rows of one curve. Between the shortest and the longest, lengths are taken to be equally frequent.
struct RowsOfBin {
  double rows = 0;
  double mean = 0;  // length
  double shortest = 0;
  double longest = 0;

  // Share of the rows with n <= k, which are dense.
  [[nodiscard]] double dense_share(double k) const;
  // Mean length of the others, for equally frequent lengths; of all where none is dense.
  [[nodiscard]] double mean_sparse(double k) const;
  // Elements that a row keeps on average: the mean of min(n, k).
  [[nodiscard]] double kept(double k) const;
};

// One head's calibration rows.
struct HeadRows {
  double rows = 0;
  double elements = 0;  // visible
  std::vector<RowsOfBin> bins{};
  [[nodiscard]] double kept(double k) const;  // elements of all rows
};

HeadRows head_rows(const std::vector<ScoreCurve>& curves);

// All candidates: every k up to 64 and 32 to the octave beyond, within the limits; the last is kDenseK where
// `largest` allows it.
std::vector<std::int64_t> candidate_k(std::int32_t longest, std::int64_t smallest, std::int64_t largest);

// For every k, in order: cost in kept elements, loss in softmax mass. Time: O(k * curves * log bins).
std::vector<Choice> choices_of(const std::vector<ScoreCurve>& curves, Placement placement,
                               const std::vector<std::int64_t>& k);

}  // namespace toptheta
