#include "core/exact_sum.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.hpp"
#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("what cancels is not lost", "[exact_sum]") {
  ExactSum sum;
  sum.add(1e16);
  sum.add(1);
  sum.add(-1e16);
  CHECK(sum.value() == 1);
}

TEST_CASE("the order and grouping of float values do not matter", "[exact_sum]") {
  Random random(1);
  std::vector<double> values(5000);
  for (double& v : values)
    v = static_cast<double>(static_cast<float>((random.uniform() - 0.5) * 1e4));
  ExactSum forwards;
  for (const double v : values)
    forwards.add(v);
  ExactSum parts[3];
  std::reverse(values.begin(), values.end());
  for (std::size_t i = 0; i < values.size(); ++i)
    parts[i % 3].add(values[i]);
  parts[2].merge(parts[0]);
  parts[2].merge(parts[1]);
  CHECK(parts[2].value() == forwards.value());
  const ExactSum copy = ExactSum::from_parts(forwards.high(), forwards.low());
  CHECK(copy.value() == forwards.value());
}

TEST_CASE("a total is rounded once, in any order", "[exact_sum]") {
  const std::vector<double> values = {1e100, 1, 0x1p-60, -1e100, 0x1p-120, 1e16, -1e16};
  std::vector<double> order = values;
  std::sort(order.begin(), order.end());
  do {
    REQUIRE(rounded_total(order) == 1);
  } while (std::next_permutation(order.begin(), order.end()));
  // Half-way between two doubles, and a trifle beyond: only the trifle decides.
  CHECK(rounded_total(std::vector<double>{1, 0x1p-53}) == 1);
  CHECK(rounded_total(std::vector<double>{1, 0x1p-53, 0x1p-200}) == 1 + 0x1p-52);
  CHECK(rounded_total(std::vector<double>{1, 0x1p-53, -0x1p-200}) == 1);
  CHECK(rounded_total({}) == 0);
}

TEST_CASE("squares of float values far apart merge without loss", "[exact_sum]") {
  Random random(2);
  std::vector<double> values(2000);
  for (double& v : values)
    v = static_cast<double>(static_cast<float>(std::exp(14 * (random.uniform() - 0.5))));
  SquareSum forwards;
  for (const double v : values)
    forwards.add_square(v);
  SquareSum parts[3];
  std::reverse(values.begin(), values.end());
  for (std::size_t i = 0; i < values.size(); ++i)
    parts[i % 3].add_square(values[i]);
  parts[1].merge(parts[2]);
  parts[1].merge(parts[0]);
  // Their exact difference is 0, not only that of their leading parts.
  const double difference[] = {forwards.high(),  forwards.middle(),  forwards.low(),
                               -parts[1].high(), -parts[1].middle(), -parts[1].low()};
  CHECK(rounded_total(difference) == 0);
}
