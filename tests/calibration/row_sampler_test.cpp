#include "calibration/row_sampler.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "core/error.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

// The row lengths of a prefill of n tokens.
std::vector<std::int32_t> prefill(std::int32_t n) {
  std::vector<std::int32_t> lengths(static_cast<std::size_t>(n));
  std::iota(lengths.begin(), lengths.end(), 1);
  return lengths;
}

}  // namespace

TEST_CASE("the whole of the rows that some target can use") {
  RowSampler sampler(1, 5, 3);
  CHECK(sampler.draw(prefill(6)) == std::vector<std::int64_t>{3, 4, 5});
  CHECK(sampler.draw(prefill(3)).empty());
  CHECK(sampler.draw({}).empty());
}

TEST_CASE("a share of them, rounded up, ascending, none twice") {
  for (const double fraction : {0.01, 0.07, 0.1, 0.3, 0.999}) {
    RowSampler sampler(fraction, 5, 0);
    const std::vector<std::int64_t> rows = sampler.draw(prefill(100));
    CHECK(static_cast<double>(rows.size()) == std::ceil(100 * fraction - 1e-9));
    CHECK(std::is_sorted(rows.begin(), rows.end()));
    CHECK(std::adjacent_find(rows.begin(), rows.end()) == rows.end());
  }
  RowSampler sampler(0.01, 5, 0);
  CHECK(sampler.draw(prefill(1)).size() == 1);
}

TEST_CASE("the same seed draws the same rows, another one others") {
  const auto draw_twice = [](std::uint64_t seed) {
    RowSampler sampler(0.2, seed, 4);
    std::vector<std::int64_t> rows = sampler.draw(prefill(300));
    const std::vector<std::int64_t> more = sampler.draw(prefill(200));
    rows.insert(rows.end(), more.begin(), more.end());
    return rows;
  };
  CHECK(draw_twice(1) == draw_twice(1));
  CHECK(draw_twice(1) != draw_twice(2));
  RowSampler sampler(0.2, 1, 4);
  CHECK(sampler.draw(prefill(300)) != sampler.draw(prefill(300)));
}

TEST_CASE("the first draw is uniform") {
  std::vector<int> drawn(50);
  for (std::uint64_t seed = 0; seed < 2000; ++seed)
    for (const std::int64_t row : RowSampler(0.2, seed, 0).draw(prefill(50)))
      ++drawn[static_cast<std::size_t>(row)];
  // 400 expected, standard deviation 18.
  for (const int count : drawn)
    CHECK(std::abs(count - 400) < 90);
}

TEST_CASE("lengths seen least are favoured") {
  RowSampler sampler(0.1, 9, 0);
  std::map<std::int64_t, int> drawn;
  for (int sample = 0; sample < 200; ++sample)
    for (const std::int64_t row : sampler.draw(prefill(100)))
      ++drawn[row];
  // Uniform draws would have mean 20 and standard deviation 4.2: a spread of 9 to 31 over 100 lengths.
  REQUIRE(drawn.size() == 100);
  for (const auto& [row, count] : drawn) {
    CHECK(count >= 13);
    CHECK(count <= 28);
  }
  double square = 0;
  for (const auto& [row, count] : drawn)
    square += (count - 20.0) * (count - 20.0);
  CHECK(std::sqrt(square / 100) < 3.6);

  // After many short texts, a longer one gives its unseen lengths first.
  RowSampler mixed(0.25, 9, 0);
  for (int sample = 0; sample < 40; ++sample)
    mixed.draw(prefill(50));
  const std::vector<std::int64_t> rows = mixed.draw(prefill(100));
  CHECK(std::count_if(rows.begin(), rows.end(), [](std::int64_t row) { return row >= 50; }) >= 20);
}

TEST_CASE("fractions out of range are refused") {
  for (const double fraction : {0.0, -0.1, 1.01, std::nan("")})
    CHECK_THROWS_AS(RowSampler(fraction, 1, 0), UsageError);
}
