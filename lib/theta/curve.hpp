// Curves: exact, mergeable histograms of attention scores, from which the threshold of any k follows without
// the data (docs/calibration.md, "Curves"). The average number kept in rows of length n under a threshold t
// is n * P(x > t): the histogram of all x of a length bin holds that for every t at once.
//
// Everything is counted in integers, so that curves do not depend on the order or the grouping of rows.
#pragma once
#include <cstdint>
#include <vector>

#include "core/shape.hpp"

namespace toptheta {

// Bins of row lengths: this many to the octave, equally wide within it (single lengths where an octave is
// shorter).
inline constexpr std::int32_t kLengthBinsPerOctave = 4;
std::int32_t length_bin(std::int32_t length);  // of a row length of at least 1; ascending with it

// Bins of values: 1/32 wide for scores, 1/32 of an octave (3%) for softmax weights, with exact edges. Scores
// past +-32,768 and weights below 2^-40 fall into the last bin. A threshold read from a curve lies in the
// same bin as the exact quantile of the pooled values: that is its error bound.
inline constexpr double kScoreBin = 1.0 / 32;
inline constexpr std::int32_t kScoreBinLimit = 1 << 20;
inline constexpr std::int32_t kLowestWeightBin = -40 * 32;
// A weight's bin is what stays of its float without the lower bits, less that of the weight 1.
inline constexpr int kWeightShift = 23 - 5;  // sign, exponent and 5 bits of the mantissa stay
inline constexpr std::int32_t kWeightOne = 0x3F800000 >> kWeightShift;
std::int32_t value_bin(float value, Placement placement);
double lower_edge(std::int32_t bin, Placement placement);

// Softmax mass is counted in units of 2^-36 of a row: a curve has room for 2^26 rows.
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
  std::int32_t shortest = 0;  // row lengths seen
  std::int32_t longest = 0;
  std::vector<CurveBin> bins{};  // ascending, without empty ones
  bool operator==(const ScoreCurve&) const = default;
};

// [num_layers * num_heads], each sorted by length bin; no cells at all: no curves.
struct ScoreCurves {
  std::vector<std::vector<ScoreCurve>> cells{};
  [[nodiscard]] bool empty() const { return cells.empty(); }
  [[nodiscard]] std::int32_t longest_row() const;  // seen; 0 without rows
  bool operator==(const ScoreCurves&) const = default;
};

// Reads one curve from its upper end. Memory: 24 bytes a bin. All questions take O(log bins).
class CurveReader {
 public:
  CurveReader(const ScoreCurve& curve, Placement placement);

  [[nodiscard]] double mean_length() const { return elements_ / rows_; }
  [[nodiscard]] double rows() const { return rows_; }
  // Means over rows of what lies above a threshold: elements, and softmax mass. Within a bin, logarithms are
  // interpolated.
  [[nodiscard]] double kept(double theta) const;
  [[nodiscard]] double kept_mass(double theta) const;
  // The threshold that keeps this many elements of a row on average; between the highest and the lowest edge.
  [[nodiscard]] double theta(double kept) const;
  // The mass that goes with that threshold.
  [[nodiscard]] double mass_of_kept(double kept) const;

 private:
  struct Point {  // at the lower edge of a bin, descending
    double theta;
    double kept;
    double mass;
  };
  [[nodiscard]] double above(double theta, double Point::*what) const;

  double rows_ = 0;
  double elements_ = 0;
  std::vector<Point> points_;  // the first keeps nothing
};

}  // namespace toptheta
