#include "theta/lookup.hpp"

#include "support/catch.hpp"
#include "support/sample_table.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// One layer, one head, k = 4, thresholds for lengths 10, 14 and 21.
ThresholdTable small_table() {
  ThresholdTable table;
  table.meta.shape = {1, 1, 1, 0};
  Target target{4, {4}, {{}}};
  target.cells[0] = {{10, 1.0, 0, 1}, {14, 2.0, 0, 1}, {21, 9.0, 0, 1}};
  table.targets = {target};
  return table;
}

}  // namespace

TEST_CASE("nearest length, a tie goes to the shorter") {
  const ThresholdLookup lookup(small_table(), 4, 40);
  const auto theta = lookup.theta(0, 0);
  REQUIRE(theta.size() == 41);
  for (int n = 0; n <= 4; ++n)
    CHECK(theta[n] == -kInfinity);
  for (int n = 5; n <= 12; ++n)
    CHECK(theta[n] == 1.0F);  // 12 is as near to 14 as to 10
  for (int n = 13; n <= 17; ++n)
    CHECK(theta[n] == 2.0F);
  for (int n = 18; n <= 40; ++n)
    CHECK(theta[n] == 9.0F);
  CHECK(lookup.max_length() == 40);
  CHECK_FALSE(lookup.has_sdc());
  CHECK(std::isnan(lookup.sdc(0, 0)[20]));
}

TEST_CASE("linear interpolation, constant outside") {
  const ThresholdLookup lookup(small_table(), 0, 40, LengthLookup::linear);
  const auto theta = lookup.theta(0, 0);
  CHECK(theta[4] == -kInfinity);
  CHECK(theta[5] == 1.0F);
  CHECK(theta[11] == 1.25F);
  CHECK(theta[14] == 2.0F);
  CHECK(theta[15] == 3.0F);
  CHECK(theta[40] == 9.0F);
}

TEST_CASE("rounding to float never changes what x > theta decides") {
  ThresholdTable table = small_table();
  for (const double theta : {0.1, -0.1, 1.0 / 3, 1e-50, -1e-50, 1e300, -1e300, 16777217.0, 0.0}) {
    table.targets[0].cells[0] = {{10, theta, 0, 1}};
    const float rounded = ThresholdLookup(table, 4, 10).theta(0, 0)[10];
    const auto nearest = static_cast<float>(theta);
    for (const float x : {nearest, std::nextafter(nearest, kInfinity), std::nextafter(nearest, -kInfinity)}) {
      if (!std::isfinite(x)) continue;
      CHECK((x > rounded) == (static_cast<double>(x) > theta));
    }
  }
}

TEST_CASE("SDC terms are looked up among the lengths that have one") {
  ThresholdTable table = small_table();
  table.targets[0].cells[0][0].sdc = 0.25;
  table.targets[0].cells[0][2].sdc = 0.5;
  const ThresholdLookup lookup(table, 4, 30);
  CHECK(lookup.has_sdc());
  CHECK(lookup.sdc(0, 0)[4] == 0.0F);
  CHECK(lookup.sdc(0, 0)[5] == 0.25F);
  CHECK(lookup.sdc(0, 0)[14] == 0.25F);
  CHECK(lookup.sdc(0, 0)[16] == 0.5F);
}

TEST_CASE("dense layers need no thresholds, others do") {
  ThresholdTable table = small_table();
  table.meta.shape.num_layers = 2;
  table.targets[0].layer_k = {4, kDenseK};
  table.targets[0].cells.emplace_back();
  const ThresholdLookup lookup(table, 4, 30);
  for (const float theta : lookup.theta(1, 0))
    CHECK(theta == -kInfinity);

  table.targets[0].layer_k = {4, 20};
  CHECK_NOTHROW(ThresholdLookup(table, 4, 20));  // no row is longer than 20
  const Problem problem = problem_of<InputError>([&] { ThresholdLookup(table, 4, 21); });
  CHECK(problem.where == "threshold table, k = 4, layer 1, head 0");
}

TEST_CASE("a law for rho takes the place of rho, and is enough where there is no rho") {
  ThresholdTable table = small_table();
  CHECK_FALSE(ThresholdLookup(table, 4, 40).has_rho());
  CHECK_FALSE(ThresholdLookup(table, 4, 40).rho_law(0, 0).any());
  table.targets[0].rho_laws = {{-1, 0.5, -0.25}};
  const ThresholdLookup lookup(table, 4, 40);
  CHECK(lookup.has_rho());
  CHECK(lookup.has_rho_laws());
  const RhoLaw law = lookup.rho_law(0, 0);
  CHECK(rho_of_law(law.at_length(9), law.of_kept, 16) == Approx(std::exp(-1.0) * 3 / 2));
  CHECK(rho_of_law(law.at_length(9), law.of_kept, 0) == rho_of_law(law.at_length(9), law.of_kept, 1));
  CHECK(rho_of_law(law.at_length(900), law.of_kept, 16) == 1);  // far away: no dropped score is above theta
  table.targets[0].rho_laws = {RhoLaw{}};
  CHECK_FALSE(ThresholdLookup(table, 4, 40).has_rho_laws());
}

TEST_CASE("heads do not mix") {
  const ThresholdTable table = sample_table();
  const ThresholdLookup lookup(table, 4, 100);
  for (std::int64_t layer = 1; layer < 3; ++layer)
    for (std::int64_t head = 0; head < 2; ++head) {
      const ThresholdEntry& longest = table.target(4).cells[table.cell_index(layer, head)].back();
      CHECK(lookup.theta(layer, head)[100] == Approx(longest.theta).epsilon(1e-6));
    }
  CHECK_FALSE(lookup.has_sdc());
}

TEST_CASE("a head of its own k is dense up to that k") {
  const ThresholdTable table = testing::sample_table_by_head();
  const ThresholdLookup lookup(table, 5, 12);
  const auto first_kept = [&lookup](std::int64_t layer, std::int64_t head) {
    const auto theta = lookup.theta(layer, head);
    return std::find_if(theta.begin(), theta.end(), [](float t) { return t > -kInfinity; }) - theta.begin();
  };
  CHECK(first_kept(0, 0) == 4);
  CHECK(first_kept(0, 1) == 6);
  CHECK(first_kept(1, 0) == 13);  // dense
  CHECK(first_kept(1, 1) == 9);
  CHECK(lookup.theta(0, 1)[9] == -1.75F);
}

TEST_CASE("rho is looked up among the lengths that have one; bins are interpolated whatever the method") {
  ThresholdTable table = small_table();
  CHECK_FALSE(ThresholdLookup(table, 4, 20).has_rho());
  CHECK(std::isnan(ThresholdLookup(table, 4, 20).rho(0, 0)[20]));
  table.targets[0].cells[0][0].rho = 0.5;
  table.targets[0].cells[0][2].rho = 1.5;
  const ThresholdLookup nearest(table, 4, 40);
  CHECK(nearest.has_rho());
  CHECK(nearest.rho(0, 0)[4] == 0);
  CHECK(nearest.rho(0, 0)[15] == 0.5F);
  CHECK(nearest.rho(0, 0)[16] == 1.5F);
  table.meta.length_bins = 8;
  const ThresholdLookup bins(table, 4, 40);
  CHECK(bins.theta(0, 0)[11] == 1.25F);
  CHECK(bins.theta(0, 0)[40] == 9.0F);
  CHECK(bins.rho(0, 0)[21] == 1.5F);
}
