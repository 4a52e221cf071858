#include "calibrate/shard.hpp"

#include <vector>

#include "core/random.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

// The samples of each shard; the test fails unless they are all of them, in order.
std::vector<std::int64_t> counts(const std::vector<std::int64_t>& weights, std::int64_t shards) {
  std::vector<std::int64_t> result;
  std::int64_t next = 0;
  for (std::int64_t i = 0; i < shards; ++i) {
    const SampleRange range = samples_of(weights, {i, shards});
    if (range.first < range.last) REQUIRE(range.first == next);
    next += range.last - range.first;
    result.push_back(range.last - range.first);
  }
  REQUIRE(next == static_cast<std::int64_t>(weights.size()));
  return result;
}

}  // namespace

TEST_CASE("samples are dealt out in runs of like weight", "[shard]") {
  CHECK(counts({1, 1, 1, 1, 1, 1}, 3) == std::vector<std::int64_t>{2, 2, 2});
  CHECK(counts({6, 1, 1, 1, 1, 1, 1}, 2) == std::vector<std::int64_t>{1, 6});
  CHECK(counts({5}, 3) == std::vector<std::int64_t>{0, 1, 0});
  CHECK(counts({0, 0, 0, 0}, 2) == std::vector<std::int64_t>{2, 2});
  CHECK(counts({3, 1, 2}, 1) == std::vector<std::int64_t>{3});
}

TEST_CASE("every sample belongs to one shard, whatever the weights", "[shard]") {
  Random random(4);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<std::int64_t> weights(1 + random.below(40));
    std::int64_t total = 0;
    std::int64_t heaviest = 0;
    for (std::int64_t& weight : weights) {
      weight = static_cast<std::int64_t>(1 + random.below(trial % 2 == 0 ? 9 : std::uint64_t{1} << 50));
      total += weight;
      heaviest = std::max(heaviest, weight);
    }
    const auto shards = static_cast<std::int64_t>(1 + random.below(12));
    (void)counts(weights, shards);
    for (std::int64_t i = 0; i < shards; ++i) {
      const SampleRange range = samples_of(weights, {i, shards});
      std::int64_t own = 0;
      for (std::int64_t s = range.first; s < range.last; ++s)
        own += weights[static_cast<std::size_t>(s)];
      CHECK(own <= total / shards + heaviest + 1);
    }
  }
}
