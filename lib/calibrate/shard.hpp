// Which of a calibration's samples a process works on.
#pragma once
#include <cstdint>
#include <span>

namespace toptheta {

// Process `index` of `count`, from 0.
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

// Deals out samples in runs of neighbours, so that each process reads few files, of as equal a weight as they
// come: a sample belongs to the shard in whose share of the total weight its middle lies. Depends on the
// weights alone; a shard may get nothing where there are more shards than samples, or one sample outweighs a
// share.
SampleRange samples_of(std::span<const std::int64_t> weights, const Shard& shard);

}  // namespace toptheta
