// What a policy remembers of the earlier rows of a sequence (H2O: the weight that each key has received).
#pragma once
#include <cstdint>
#include <vector>

namespace toptheta {

class PolicyMemory {
 public:
  PolicyMemory() = default;
  PolicyMemory(std::int64_t layers, std::int64_t heads)
      : heads_(heads), values_(static_cast<std::size_t>(layers * heads)) {}

  // The policy's own numbers for a query head, empty at first. Different heads may be used by different
  // threads.
  [[nodiscard]] std::vector<double>& of(std::int64_t layer, std::int64_t head) {
    return values_[static_cast<std::size_t>(layer * heads_ + head)];
  }
  // Forgets everything.
  void clear() {
    for (std::vector<double>& value : values_)
      value.clear();
  }

 private:
  std::int64_t heads_ = 0;
  std::vector<std::vector<double>> values_;
};

}  // namespace toptheta
