#include "theta/formats/number_text.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>

#include "core/random.hpp"
#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("numbers print as Python prints them") {
  CHECK(python_repr(4) == "4.0");
  CHECK(python_repr(-0.0) == "-0.0");
  CHECK(python_repr(1e-5) == "1e-05");
  CHECK(python_repr(0.0001) == "0.0001");
  CHECK(python_repr(1.5e-7) == "1.5e-07");
  CHECK(python_repr(1e15) == "1000000000000000.0");
  CHECK(python_repr(1e16) == "1e+16");
  CHECK(python_repr(123456789012345680.0) == "1.2345678901234568e+17");
  CHECK(python_repr(0.0002257227897644043) == "0.0002257227897644043");
  CHECK(python_repr(0.1 + 0.2) == "0.30000000000000004");
  CHECK(python_repr(5e-324) == "5e-324");
  CHECK(python_repr(1.7976931348623157e308) == "1.7976931348623157e+308");
  CHECK(python_repr(-12.25) == "-12.25");
}

TEST_CASE("numbers read back the same") {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const double value =
        (random.uniform() - 0.5) * std::pow(10.0, static_cast<double>(random.below(40)) - 20);
    CHECK(std::strtod(python_repr(value).c_str(), nullptr) == value);
    CHECK(std::strtod(shortest_or(value, "?").c_str(), nullptr) == value);
  }
  CHECK(shortest_or(std::numeric_limits<double>::quiet_NaN(), "null") == "null");
}
