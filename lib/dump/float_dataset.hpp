// Inside dump: a data set of floating-point numbers of any type that a dump may hold.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "io/hdf5.hpp"

namespace toptheta {

// Throws InputError unless the elements are float16, bfloat16, float32 or float64 and, if there are any, were
// written.
void require_floats(const hdf5::Dataset& dataset);

// Reading, which must happen on one thread, and widening, which may happen on many, are two steps.
class FloatDataset {
 public:
  // `dataset` has passed require_floats().
  explicit FloatDataset(hdf5::Dataset dataset) : dataset_(std::move(dataset)) {}

  [[nodiscard]] const hdf5::Dataset& dataset() const { return dataset_; }
  // Reads the boxes, which hold `elements` together, in place of what was loaded before.
  void load(std::span<const hdf5::Box> boxes, std::int64_t elements);
  // Elements first ... first + out.size() of what is loaded, as floats.
  void widen(std::int64_t first, std::span<float> out) const;

 private:
  hdf5::Dataset dataset_;
  std::vector<std::uint16_t> halves_;  // one of the three holds what is loaded
  std::vector<float> floats_;
  std::vector<double> doubles_;
};

}  // namespace toptheta
