// A sink that keeps every row, for comparing.
#pragma once
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "core/rows.hpp"

namespace toptheta::testing {

struct CollectedRow {
  std::int32_t length = 0;
  std::vector<float> scores;  // [length]
  bool operator==(const CollectedRow&) const = default;
};

class Collector : public RowSink {
 public:
  void add(const RowBlock& block) override {
    const std::lock_guard lock(mutex_);
    ++blocks;
    auto& rows = heads[{block.layer, block.head}];
    for (std::int64_t r = 0; r < block.rows(); ++r)
      rows.push_back(
          {block.lengths[static_cast<std::size_t>(r)], {block.row(r).begin(), block.row(r).end()}});
  }

  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<CollectedRow>> heads;  // (layer, head) -> rows
  std::int64_t blocks = 0;

 private:
  std::mutex mutex_;
};

}  // namespace toptheta::testing
