// Sums that also keep the rounding errors of their additions, so that partial sums merged in any grouping
// agree.
#pragma once
#include <cmath>
#include <span>

namespace toptheta {

// a + b without loss: the rounded sum, and the rounding error (Knuth's two-sum). sum + rest == a + b exactly.
struct TwoSum {
  double sum;
  double rest;
};
inline TwoSum two_sum(double a, double b) {
  const double sum = a + b;
  const double part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

// The exact total of some doubles, rounded once. The result does not depend on their order (Shewchuk,
// "Adaptive precision floating-point arithmetic", 1997; Python's math.fsum uses the same algorithm). It is
// slower than a plain sum and meant for a few values.
double rounded_total(std::span<const double> values);

// A sum in two doubles, about 106 bits. It is exact, and hence independent of order and grouping, for N
// float32 values whose largest magnitude is at most 2^83 / N^2 times the smallest nonzero one.
class ExactSum {
 public:
  void add(double value) {
    const TwoSum sum = two_sum(high_, value);
    high_ = sum.sum;
    low_ += sum.rest;
  }
  void merge(const ExactSum& other) {
    add(other.high_);
    low_ += other.low_;
  }
  [[nodiscard]] double value() const { return high_ + low_; }
  [[nodiscard]] double high() const { return high_; }
  [[nodiscard]] double low() const { return low_; }
  static ExactSum from_parts(double high, double low) {
    ExactSum sum;
    sum.high_ = high;
    sum.low_ = low;
    return sum;
  }

 private:
  double high_ = 0;
  double low_ = 0;
};

// A sum of squares in three doubles. It is exact for the squares of N float32 values whose largest magnitude
// is at most 2^56 / N^(3/2) times the smallest nonzero one.
class SquareSum {
 public:
  void add_square(double value) {
    const double square = value * value;
    add(square);
    add(std::fma(value, value, -square));
  }
  void merge(const SquareSum& other) {
    add(other.high_);
    add(other.middle_);
    low_ += other.low_;
  }
  [[nodiscard]] double high() const { return high_; }
  [[nodiscard]] double middle() const { return middle_; }
  [[nodiscard]] double low() const { return low_; }
  static SquareSum from_parts(double high, double middle, double low) {
    SquareSum sum;
    sum.high_ = high;
    sum.middle_ = middle;
    sum.low_ = low;
    return sum;
  }

 private:
  void add(double value) {
    const TwoSum first = two_sum(high_, value);
    const TwoSum second = two_sum(middle_, first.rest);
    high_ = first.sum;
    middle_ = second.sum;
    low_ += second.rest;
  }

  double high_ = 0;
  double middle_ = 0;
  double low_ = 0;
};

}  // namespace toptheta
