#include "core/random.hpp"

#include <vector>

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("equal seeds give equal numbers, other seeds and streams do not", "[random]") {
  Random a(1);
  Random b(1);
  Random c(2);
  Random d(1, 1);
  const std::uint64_t first = a.bits();
  CHECK(first == b.bits());
  CHECK(first != c.bits());
  CHECK(first != d.bits());
}

TEST_CASE("uniform numbers fill [0, 1) and bounded ones their range", "[random]") {
  Random random(3);
  double sum = 0;
  std::vector<int> counts(5);
  for (int i = 0; i < 10000; ++i) {
    const double u = random.uniform();
    REQUIRE((u >= 0 && u < 1));
    sum += u;
    ++counts.at(random.below(5));
  }
  CHECK(sum / 10000 == Approx(0.5).margin(0.02));
  for (const int count : counts)
    CHECK(count == Approx(2000).margin(200));
  CHECK(random.below(1) == 0);
}
