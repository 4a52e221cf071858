#include "eval/probe.hpp"

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("fed tokens count their positions from one on", "[probe]") {
  FedTokens fed;
  fed.add(0, 3);  // 1 + 2 + 3 visible keys
  CHECK(fed.tokens == 3);
  CHECK(fed.positions == 6);
  fed.add(10, 12);  // 11 + 12
  CHECK(fed.tokens == 5);
  CHECK(fed.positions == 29);
  fed.add(5, 5);
  CHECK(fed.tokens == 5);
}

TEST_CASE("a probe's time grows with the operations asked for", "[probe]") {
  const SpeedProbe probe{16, 2, 100};
  CHECK(probe.seconds_for(50) == 1);
}
