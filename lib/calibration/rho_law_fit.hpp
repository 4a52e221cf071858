// Fits the law for the rho of calibrated SDC by weighted least squares: ln rho = c0 + c1 ln n + c2 ln n_kept.
//
// docs/method.md, "Calibrating".
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "core/exact_sum.hpp"
#include "io/hdf5.hpp"
#include "theta/rho_law.hpp"

namespace toptheta {

// What the law's fit uses of a row that drops some scores and keeps some of those that it chooses from.
struct LawRow {
  std::int64_t n = 0;       // keys that the row sees
  std::int64_t n_kept = 0;  // of these kept, including what is kept in any case; at least 1
  double logarithm = 0;     // y = ln(mean over dropped s of e^(s-theta))
  double share = 0;         // M / (D + M): the share of the denominator that the dropped scores have, 0 to 1
};

// The normal equations of the rows of one (target, layer, head). 152 bytes.
//
// A row weighs w = share (1 - share): an error of ln M by d moves the share by w d. The weight is rounded to
// a multiple of 2^-20, and a row whose weight is then 0 does not count. Products are rounded to multiples of
// 2^-50 before they are added, so that the sums are exact and neither order nor grouping of rows matters, for
// up to 2^24 rows of a head.
class RhoLawStatistics {
 public:
  void add(const LawRow& row);
  void merge(const RhoLawStatistics& other);

  // The coefficients that minimise sum of w (y - c0 - c1 ln n - c2 ln n_kept)^2 + r (c1^2 + c2^2), where r is
  // a sixteenth of the rows' mean weight. So few rows, or rows that are all alike, give small slopes: a
  // single row, or a constant n and n_kept, gives c0 = the weighted mean of y and slopes of 0. No law without
  // rows.
  [[nodiscard]] RhoLaw law() const;

  // Writes and adds up the statistics of all heads, into and from a group:
  //   count  int64 [heads]
  //   sums   float64 [heads * 18]  for each of w, w x, w z, w y, w x^2, w x z, w z^2, w x y, w z y two
  //          numbers whose exact total is the sum, with x = ln n and z = ln n_kept
  static void save(const std::vector<RhoLawStatistics>& heads, hdf5::Group& group);
  // Throws InputError for another number of heads, a negative count, and sums that are not finite.
  static void add_saved(const hdf5::Group& group, std::vector<RhoLawStatistics>& heads);

 private:
  static constexpr std::size_t kSums = 9;
  std::int64_t count_ = 0;
  std::array<ExactSum, kSums> sums_{};
};

}  // namespace toptheta
