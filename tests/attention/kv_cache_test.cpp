#include "attention/kv_cache.hpp"

#include <vector>

#include "core/random.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

constexpr ModelShape kShape{2, 4, 2, 5};
constexpr std::int64_t kRowFloats = kShape.num_kv_heads * kShape.head_dim;

std::vector<float> random_rows(std::int64_t rows, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(rows * kRowFloats));
  for (float& x : values)
    x = static_cast<float>(random.uniform());
  return values;
}

void append(KvCache& cache, std::int64_t rows, const std::vector<float>& k, const std::vector<float>& v) {
  for (std::int64_t layer = 0; layer < kShape.num_layers; ++layer)
    cache.append(layer, rows, k.data(), v.data());
  cache.advance(rows);
}

}  // namespace

TEST_CASE("keys and values come back from their layouts", "[kv_cache]") {
  KvCache cache(kShape, 40);
  CHECK(cache.capacity() >= 40);
  const auto k = random_rows(40, 1);
  const auto v = random_rows(40, 2);
  append(cache, 40, k, v);
  CHECK(cache.length() == 40);
  for (std::int64_t p = 0; p < 40; ++p)
    for (std::int64_t g = 0; g < 2; ++g)
      for (std::int64_t i = 0; i < kShape.head_dim; ++i) {
        const auto at = static_cast<std::size_t>(p * kRowFloats + g * kShape.head_dim + i);
        REQUIRE(cache.values(1, g)[p * kShape.head_dim + i] == v[at]);
        REQUIRE(cache.keys(1, g)[(p / kKeyBlock * kShape.head_dim + i) * kKeyBlock + p % kKeyBlock] == k[at]);
      }
}

TEST_CASE("value sums are right at every position, also after truncation and regrowth", "[kv_cache]") {
  KvCache cache(kShape, 200);
  const auto first = random_rows(150, 3);
  append(cache, 150, first, first);
  const auto check = [&cache](std::int64_t length) {
    for (std::int64_t p = 0; p <= length; ++p) {
      std::vector<double> sum(5);
      cache.value_sum(0, 1, p, sum);
      for (std::int64_t i = 0; i < 5; ++i) {
        double expected = 0;
        for (std::int64_t r = 0; r < p; ++r)
          expected += static_cast<double>(cache.values(0, 1)[r * 5 + i]);
        REQUIRE(sum[static_cast<std::size_t>(i)] == Approx(expected));
      }
    }
  };
  check(150);
  for (const std::int64_t keep : {std::int64_t{130}, std::int64_t{128}, std::int64_t{64}, std::int64_t{37}}) {
    cache.truncate(keep);
    CHECK(cache.length() == keep);
    const auto more = random_rows(60, static_cast<std::uint64_t>(keep));
    append(cache, 60, more, more);
    check(keep + 60);
    cache.truncate(keep);
  }
}
