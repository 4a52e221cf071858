#include "core/exact_sum.hpp"

#include <algorithm>
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
  ExactSum squares;
  squares.add_square(1e8 + 1);  // 1e16 + 2e8 + 1 does not fit a double
  squares.add(-1e16);
  squares.add(-2e8);
  CHECK(squares.value() == 1);
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
