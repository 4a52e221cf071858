// Curves: exact, mergeable histograms of attention scores, from which the threshold for any k can be computed
// without the data (docs/calibration.md, "Curves"). Under a threshold t, rows of length n keep n * P(x > t)
// elements on average. A histogram of all values x of a length bin gives that number for every t at once.
//
// All counts are integers, so curves do not depend on the order or the grouping of rows.
#pragma once
#include <cstdint>
#include <vector>

#include "core/shape.hpp"

namespace toptheta {

// Row lengths are put into bins: this many per octave, equally wide within it (single lengths where an octave
// has fewer).
inline constexpr std::int32_t kLengthBinsPerOctave = 4;
std::int32_t length_bin(std::int32_t length);  // length >= 1; longer rows never have a smaller bin

// Values are put into bins with exact edges: 1/32 wide for scores, 1/32 of an octave wide (3%) for softmax
// weights. Scores beyond +-32,768 and weights below 2^-40 fall into the outermost bin. The threshold that a
// curve gives for a k lies in the same bin as the exact quantile of all values together, so the width of a
// bin bounds its error.
inline constexpr double kScoreBin = 1.0 / 32;
inline constexpr std::int32_t kScoreBinLimit = 1 << 20;
inline constexpr std::int32_t kLowestWeightBin = -40 * 32;
// The bin of a weight is the upper bits of its float, minus those of the weight 1.
inline constexpr int kWeightShift = 23 - 5;  // sign, exponent and 5 bits of the mantissa remain
inline constexpr std::int32_t kWeightOne = 0x3F800000 >> kWeightShift;
std::int32_t value_bin(float value, Placement placement);
double lower_edge(std::int32_t bin, Placement placement);

// Softmax mass is counted in units of 2^-36 of a row, so a curve has room for 2^26 rows.
inline constexpr double kMassUnit = 0x1p-36;
inline constexpr std::int64_t kMaxCurveRows = std::int64_t{1} << 26;

struct CurveBin {
  std::int32_t bin = 0;
  std::int64_t count = 0;  // elements
  std::int64_t mass = 0;   // their softmax weights, in kMassUnit, each rounded to nearest
  bool operator==(const CurveBin&) const = default;
};

// All rows of one layer, query head and length bin.
struct ScoreCurve {
  std::int32_t length_bin = 0;
  std::int64_t rows = 0;
  std::int32_t shortest = 0;  // the row lengths that occurred
  std::int32_t longest = 0;
  std::vector<CurveBin> bins{};  // ascending; empty bins are left out
  bool operator==(const ScoreCurve&) const = default;
};

// [num_layers * num_heads] the curves of each head, ascending by length bin; without cells there are no
// curves.
struct ScoreCurves {
  std::vector<std::vector<ScoreCurve>> cells{};
  [[nodiscard]] bool empty() const { return cells.empty(); }
  [[nodiscard]] std::int32_t longest_row() const;  // 0 where there are no rows
  bool operator==(const ScoreCurves&) const = default;
};

// Answers questions about one curve, which must not be empty. Memory: up to 48 bytes per bin. Each question
// takes O(log bins).
class CurveReader {
 public:
  CurveReader(const ScoreCurve& curve, Placement placement);

  [[nodiscard]] double mean_length() const { return elements_ / rows_; }
  [[nodiscard]] double rows() const { return rows_; }
  // What a row has above a threshold on average: elements, and softmax mass. Within a bin their logarithms
  // are interpolated.
  [[nodiscard]] double kept(double theta) const;
  [[nodiscard]] double kept_mass(double theta) const;
  // The threshold above which a row has `kept` elements on average, limited to the edges of the curve.
  [[nodiscard]] double theta(double kept) const;
  // The softmax mass above that threshold.
  [[nodiscard]] double mass_of_kept(double kept) const;

 private:
  struct Point {  // at an edge of a bin; thresholds descend
    double theta;
    double kept;
    double mass;
  };
  [[nodiscard]] double above(double theta, double Point::*what) const;

  double rows_ = 0;
  double elements_ = 0;
  std::vector<Point> points_;  // nothing lies above the first one
};

}  // namespace toptheta
