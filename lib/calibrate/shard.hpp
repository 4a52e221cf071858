// Divides the samples of a calibration among processes.
#pragma once
#include <cstdint>
#include <span>

namespace toptheta {

// Share `index`, counted from 0, of `count`.
struct Shard {
  std::int64_t index = 0;
  std::int64_t count = 1;
  bool operator==(const Shard&) const = default;
};

// Samples [first, last).
struct SampleRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

// The samples of a shard. Each shard gets a run of neighbouring samples, so that it reads few files, and the
// runs are of nearly equal weight: a sample belongs to the shard whose share of the total weight contains the
// sample's middle. The result depends on the weights alone. A shard may get nothing, if there are more shards
// than samples or if one sample outweighs a share.
SampleRange samples_of(std::span<const std::int64_t> weights, const Shard& shard);

}  // namespace toptheta
