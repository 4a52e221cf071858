// A running sum in two doubles (error-free transformation of Knuth's two-sum): about 106 bits, so that sums
// of float32 values merged in any grouping agree to the last bit of a double in practice.
#pragma once
#include <cmath>

namespace toptheta {

class ExactSum {
 public:
  void add(double value) {
    const double sum = high_ + value;
    const double part = sum - high_;
    low_ += (high_ - (sum - part)) + (value - part);
    high_ = sum;
  }
  // Adds value * value without rounding the product.
  void add_square(double value) {
    const double square = value * value;
    add(square);
    low_ += std::fma(value, value, -square);
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

}  // namespace toptheta
