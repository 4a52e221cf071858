#include "calibrate/shard.hpp"

#include <algorithm>

namespace toptheta {

SampleRange samples_of(std::span<const std::int64_t> weights, const Shard& shard) {
  // A sample of weight 0 counts as 1, so that it belongs to some shard.
  const auto weight = [](std::int64_t w) { return std::max<std::int64_t>(w, 1); };
  std::int64_t total = 0;
  for (const std::int64_t w : weights)
    total += weight(w);
  // Where the share of shard i begins, in units of weight: total * i / count, computed without overflow.
  const auto begin = [&](std::int64_t i) {
    return total / shard.count * i + total % shard.count * i / shard.count;
  };
  const auto count = static_cast<std::int64_t>(weights.size());
  SampleRange range{count, count};
  std::int64_t before = 0;
  for (std::int64_t sample = 0; sample < count; ++sample) {
    const std::int64_t own = weight(weights[static_cast<std::size_t>(sample)]);
    const std::int64_t middle = before + own / 2;
    if (range.first == count && middle >= begin(shard.index)) range.first = sample;
    if (shard.index + 1 < shard.count && middle >= begin(shard.index + 1)) {
      range.last = sample;
      break;
    }
    before += own;
  }
  return range;
}

}  // namespace toptheta
