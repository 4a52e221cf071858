#include "report/number.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("numbers keep five significant digits and at most four decimals") {
  CHECK(format_number(0) == "0.0000");
  CHECK(format_number(0.51204) == "0.5120");
  CHECK(format_number(-1.46125) == "-1.4612");
  CHECK(format_number(12.3456) == "12.346");
  CHECK(format_number(1234.56) == "1234.6");
  CHECK(format_number(123456.7) == "123457");
}

TEST_CASE("numbers that are none are named") {
  CHECK(format_number(std::nan("")) == "n/a");
  CHECK(format_number(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(format_number(-std::numeric_limits<double>::infinity()) == "-inf");
  CHECK(format_percent(std::nan("")) == "n/a");
  CHECK(format_exact(std::nan("")).empty());
  CHECK(format_exact(std::numeric_limits<double>::infinity()).empty());
}

TEST_CASE("a measure shows its standard error with the value's decimals") {
  CHECK(format_measure({0.5, 0.013}) == "0.5000 ± 0.0130");
  CHECK(format_measure({123.456, 1.2345}) == "123.46 ± 1.23");
  CHECK(format_measure({0.5, std::nullopt}) == "0.5000");
  CHECK(format_measure({std::nan(""), 0.1}) == "n/a");
}

TEST_CASE("percentages and exact numbers") {
  CHECK(format_percent(0.117) == "11.70");
  CHECK(format_percent(1) == "100.00");
  CHECK(format_percent(Measure{0.975, 0.0125}) == "97.5 ± 1.2");
  CHECK(format_percent(Measure{1, std::nullopt}) == "100.0");
  CHECK(format_exact(0.1) == "0.1");
  CHECK(std::stod(format_exact(1.0 / 3)) == 1.0 / 3);
}
