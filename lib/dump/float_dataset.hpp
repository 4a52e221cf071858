// Internal to lib/dump: a data set of floating-point numbers of any type that a dump may hold.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "io/hdf5.hpp"

namespace toptheta {

// Throws InputError unless the elements are float16, bfloat16, float32 or float64 and, if there are any, at
// least some were written.
void require_floats(const hdf5::Dataset& dataset);

// Reading must happen on one thread and widening may happen on many, so they are two steps.
class FloatDataset {
 public:
  // `dataset` must have passed require_floats().
  explicit FloatDataset(hdf5::Dataset dataset) : dataset_(std::move(dataset)) {}

  [[nodiscard]] const hdf5::Dataset& dataset() const { return dataset_; }
  // Reads the boxes, which hold `elements` elements in all, replacing what was loaded before.
  void load(std::span<const hdf5::Box> boxes, std::int64_t elements);
  // Converts the loaded elements first ... first + out.size() - 1 to floats.
  void widen(std::int64_t first, std::span<float> out) const;

 private:
  hdf5::Dataset dataset_;
  std::vector<std::uint16_t> halves_;  // one of these three holds the loaded elements
  std::vector<float> floats_;
  std::vector<double> doubles_;
};

}  // namespace toptheta
