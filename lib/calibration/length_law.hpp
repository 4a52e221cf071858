// How the threshold for one k changes with the row length: a law fitted to a head's curves, with its error.
//
// docs/calibration.md, "Row lengths".
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// theta = a + b ln n for scores, ln theta = a + b ln n for softmax weights. This is exact if the upper tail
// of the scores is exponential, and a tangent to the true relation otherwise. It is fitted by least squares
// to those curves of a head whose rows are all longer than k, each weighted by its number of rows.
struct LengthLaw {
  Placement placement = Placement::pre_softmax;
  double a = 0;
  double b = 0;
  // The standard error of b, and the standard deviation of the curves about the law, both in units of theta
  // (of ln theta for weights). They measure how well the law fits, noise and curvature together.
  double b_error = 0;
  double deviation = 0;
  std::int32_t shortest = 0;  // row lengths that it was fitted to
  std::int32_t longest = 0;
  std::int64_t curves = 0;
  double center = 0;  // weighted mean of ln n

  [[nodiscard]] double theta(double n) const;
  // The standard error of the law at row length n, in theta (in ln theta for weights). It combines the error
  // of the height at `center` with that of the slope, and assumes that the law still holds beyond `longest`.
  [[nodiscard]] double error(double n) const;
};

// Fits the law to a head's curves. Nullopt if fewer than three curves have only rows longer than k, because
// two points determine the line and leave no error to measure. Time: O(curves * bins).
std::optional<LengthLaw> length_law(const std::vector<ScoreCurve>& curves, Placement placement,
                                    std::int64_t k);

// Adds entries beyond the longest row of each head, up to `length`: one for each bin in a table of length
// bins, else 32 per octave. Their theta is the head's last threshold, moved on by the slope of its law; they
// have count 0 and no kept mass, and the estimator's name says from which length on they begin. Heads without
// a law, and heads without thresholds, stay as they are. The table must have curves. Throws UsageError unless
// `length` is beyond every row seen.
void extend_lengths(ThresholdTable& table, std::int32_t length);

}  // namespace toptheta
