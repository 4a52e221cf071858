// The law for the rho of calibrated SDC (docs/method.md, "Compensating"): one for each target and query head.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace toptheta {

// ln rho = constant + of_length ln n + of_kept ln n_kept, for a row of n keys of which n_kept are kept. A row
// that keeps more than usual has the bulk of its scores nearer to the threshold, so its dropped keys
// contribute more.
struct RhoLaw {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  double constant = kNone;   // c0; NaN, like the others, where the head has no law
  double of_length = kNone;  // c1
  double of_kept = kNone;    // c2

  [[nodiscard]] bool any() const { return !std::isnan(constant); }
  // c0 + c1 ln n, which is the same for all rows of n keys.
  [[nodiscard]] double at_length(std::int64_t n) const {
    return constant + of_length * std::log(static_cast<double>(n));
  }
};

// rho of a row that keeps n_kept keys; 1 takes the place of an n_kept of 0. No dropped score is above the
// threshold, so rho is at most 1, also where a law is used far from the rows that it was fitted to.
inline double rho_of_law(double at_length, double of_kept, std::int64_t n_kept) {
  const double kept = static_cast<double>(std::max<std::int64_t>(n_kept, 1));
  return std::exp(std::min(0.0, at_length + of_kept * std::log(kept)));
}

}  // namespace toptheta
