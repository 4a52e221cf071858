// How the threshold of one k moves with the row length: a law fitted to a head's curves, with its error.
//
// docs/calibration.md, "Row lengths".
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// theta = a + b ln n for scores, ln theta = a + b ln n for softmax weights: exact where the scores' upper
// tail is exponential, a tangent to the truth elsewhere. Least squares over the curves of a head whose rows
// are all longer than k, each weighted by its rows.
struct LengthLaw {
  Placement placement = Placement::pre_softmax;
  double a = 0;
  double b = 0;
  // Standard error of b, and standard deviation of the curves about the law: in theta, or of ln theta for
  // weights. They measure how well the law fits, noise and curvature together.
  double b_error = 0;
  double deviation = 0;
  std::int32_t shortest = 0;  // row lengths that it was fitted to
  std::int32_t longest = 0;
  std::int64_t curves = 0;
  double center = 0;  // weighted mean of ln n

  [[nodiscard]] double theta(double n) const;
  // Standard error of the law at row length n, in theta (of ln theta for weights): that of its height at
  // `center` and that of its slope. Past `longest` it does not know whether the law still holds.
  [[nodiscard]] double error(double n) const;
};

// Nullopt where fewer than three curves have only rows longer than k: two leave no error to be seen. Time:
// O(curves * bins).
std::optional<LengthLaw> length_law(const std::vector<ScoreCurve>& curves, Placement placement,
                                    std::int64_t k);

// Adds entries past the longest row of each head, up to `length`, 32 to the octave: the last threshold, moved
// along by the slope of the head's law. They have count 0 and no kept mass; the estimator's name says past
// which length. Heads without a law stay as they are. Of a table with curves; targets that keep every row of
// a head dense stay dense. Throws UsageError unless `length` is past every row seen.
void extend_lengths(ThresholdTable& table, std::int32_t length);

}  // namespace toptheta
