// Inside calibration: what every candidate k costs and loses in every head, read from curves.
#pragma once
#include <cstdint>
#include <vector>

#include "calibration/allocation.hpp"
#include "theta/table.hpp"

namespace toptheta {

// Of one head over all of its calibration rows: cost in kept elements, loss in softmax mass.
struct HeadCosts {
  double rows = 0;
  double elements = 0;            // visible
  std::vector<double> lengths{};  // mean row length of every curve
  std::vector<double> weights{};  // and its rows
};

// All candidates: every k up to 64 and 32 to the octave beyond, within the limits; the last is kDenseK where
// `largest` allows it.
std::vector<std::int64_t> candidate_k(std::int32_t longest, std::int64_t smallest, std::int64_t largest);

HeadCosts head_costs(const std::vector<ScoreCurve>& curves);
// For every k, in order. Time: O(k * curves * log bins).
std::vector<Choice> choices_of(const std::vector<ScoreCurve>& curves, Placement placement,
                               const std::vector<std::int64_t>& k);

}  // namespace toptheta
