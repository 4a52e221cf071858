// Calibrated SDC: rho of 1 is exp-threshold, and prefilters work beside it where lost mass is counted.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "attention/job.hpp"
#include "core/error.hpp"
#include "support/attention_world.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using testing::AttentionWorld;

namespace {

constexpr ModelShape kCalibratedShape{1, 4, 2, 32};

ResolvedPolicy with_rho(const AttentionWorld& world, Policy policy, double theta, double rho,
                        const RhoLaw& law = {}) {
  policy.selection = Selection::theta;
  policy.vmc = true;
  ThresholdTable table = world.table(
      Placement::pre_softmax, 5,
      [=](std::int64_t head, std::int64_t) { return theta + 0.1 * static_cast<double>(head); }, 0, rho);
  if (law.any()) table.targets[0].rho_laws.assign(table.targets[0].cells.size(), law);
  return ResolvedPolicy(policy, world.shape(), world.rows(), &table, "test");
}

std::vector<float> by_rows(const AttentionWorld& world, const ResolvedPolicy& policy) {
  std::vector<float> out(static_cast<std::size_t>(world.rows() * world.row_floats()));
  const AttentionCall call = world.call(0, world.rows(), out);
  const AttentionListeners alone;
  attend_by_rows({call, world.cache(), policy, alone});
  return out;
}

}  // namespace

TEST_CASE("calibrated SDC with a rho of 1 is exp-threshold SDC to the bit, on every way", "[calibrated]") {
  AttentionWorld world(kCalibratedShape, 700, 51);
  const std::vector<Policy> ways = {
      {}, {.cap_k = true}, {.keep_first = 3, .keep_recent = 5}, {.sdc_scale = 0.5}};
  for (const std::int64_t window : {0, 90})
    for (Policy way : ways) {
      world.use(window, 0, {});
      way.sdc = Sdc::exp_threshold;
      const ResolvedPolicy plain = with_rho(world, way, 1.2003, 1);
      way.sdc = Sdc::calibrated;
      const ResolvedPolicy calibrated = with_rho(world, way, 1.2003, 1);
      const ResolvedPolicy other = with_rho(world, way, 1.2003, 0.25);
      INFO(describe(calibrated.policy()));
      const std::vector<float> all = world.attend(calibrated, 0, world.rows());
      CHECK(all == world.attend(plain, 0, world.rows()));
      CHECK(all != world.attend(other, 0, world.rows()));
      CHECK(world.attend(calibrated, 690, 1) == world.attend(plain, 690, 1));
      CHECK(by_rows(world, calibrated) == by_rows(world, plain));
    }
}

TEST_CASE("a law without slopes is rho up to rounding, and a law replaces rho", "[calibrated]") {
  AttentionWorld world(kCalibratedShape, 700, 54);
  for (Policy way : {Policy{}, Policy{.cap_k = true}, Policy{.keep_first = 3, .keep_recent = 5}}) {
    way.sdc = Sdc::calibrated;
    const ResolvedPolicy plain = with_rho(world, way, 1.2003, 0.375);
    const ResolvedPolicy law = with_rho(world, way, 1.2003, kNotCalibrated, {std::log(0.375), 0, 0});
    const ResolvedPolicy other = with_rho(world, way, 1.2003, 0.375, {std::log(0.375), 0, 0.1});
    CHECK_FALSE(plain.has_rho_laws());
    CHECK(law.has_rho_laws());
    INFO(describe(law.policy()));
    const std::vector<float> expected = world.attend(plain, 0, world.rows());
    const std::vector<float> found = world.attend(law, 0, world.rows());
    double difference = 0;
    for (std::size_t i = 0; i < found.size(); ++i)
      difference = std::max(difference, std::abs(static_cast<double>(found[i] - expected[i])));
    CHECK(difference < 1e-6);
    CHECK(world.attend(other, 0, world.rows()) != expected);
  }
}

TEST_CASE("a prefilter knows what a row keeps, so a law gives the same bytes with it", "[calibrated]") {
  const RhoLaw law{-2.5, -0.25, 0.5};
  const std::int64_t rows = 1200;
  const AttentionWorld plain(kCalibratedShape, rows, 55, Prefilter::none, true);
  const ResolvedPolicy unfiltered = with_rho(plain, {.sdc = Sdc::calibrated}, 2.7003, 0.3, law);
  for (const Prefilter prefilter : {Prefilter::page, Prefilter::int8, Prefilter::automatic}) {
    const AttentionWorld filtered(kCalibratedShape, rows, 55, prefilter, true);
    const ResolvedPolicy filtering =
        with_rho(filtered, {.sdc = Sdc::calibrated, .prefilter = prefilter}, 2.7003, 0.3, law);
    for (const auto& [first, count] : {std::pair{std::int64_t{700}, std::int64_t{300}}, {rows - 1, 1}}) {
      const Phase phase = count == 1 ? Phase::decode : Phase::prefill;
      SequenceCounts expected(plain.shape(), rows, phase);
      SequenceCounts found(plain.shape(), rows, phase);
      REQUIRE(plain.attend(unfiltered, first, count, {&expected, nullptr}) ==
              filtered.attend(filtering, first, count, {&found, nullptr}));
      for (std::int64_t h = 0; h < plain.shape().num_heads; ++h) {
        double lost = 0;
        const double theta = static_cast<double>(unfiltered.theta(0, h).back());
        for (std::int64_t i = first; i < first + count; ++i) {
          double kept_sum = 0;
          double kept = 0;
          const std::vector<double>& scores = plain.scores(h, i);
          for (const double s : scores) {
            kept_sum += s > theta ? std::exp(s - theta) : 0;
            kept += s > theta ? 1 : 0;
          }
          const auto n = static_cast<double>(scores.size());
          const double rho = std::exp(law.at_length(i + 1) + law.of_kept * std::log(std::max(kept, 1.0)));
          lost += rho * (n - kept) / (kept_sum + rho * (n - kept));
        }
        CHECK(found.totals().head(0, h).lost_mass == Approx(lost).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("a table without rho is refused with the way to one", "[calibrated]") {
  const AttentionWorld world(kCalibratedShape, 60, 52);
  try {
    (void)with_rho(world, {.sdc = Sdc::calibrated}, 1, kNotCalibrated);
    FAIL("accepted");
  } catch (const UsageError& error) {
    CHECK(error.problem().next.find("tt-calibrate fit --sdc calibrated") != std::string::npos);
  }
}

TEST_CASE("prefilters work beside calibrated SDC where lost mass is counted", "[calibrated]") {
  constexpr double kTheta = 2.7003;
  constexpr double kRhoHere = 0.3;
  const std::int64_t rows = 1200;
  const AttentionWorld plain(kCalibratedShape, rows, 53, Prefilter::none, true);
  const ResolvedPolicy unfiltered = with_rho(plain, {.sdc = Sdc::calibrated}, kTheta, kRhoHere);
  for (const Prefilter prefilter : {Prefilter::page, Prefilter::int8, Prefilter::automatic}) {
    const AttentionWorld filtered(kCalibratedShape, rows, 53, prefilter, true);
    const ResolvedPolicy filtering =
        with_rho(filtered, {.sdc = Sdc::calibrated, .prefilter = prefilter}, kTheta, kRhoHere);
    INFO(describe(filtering.policy()));
    if (prefilter == Prefilter::int8) filtered.cache().index().note_candidate_share(0, 0.75F);
    for (const auto& [first, count] : {std::pair{std::int64_t{700}, std::int64_t{300}}, {rows - 1, 1}}) {
      const Phase phase = count == 1 ? Phase::decode : Phase::prefill;
      SequenceCounts expected(plain.shape(), rows, phase);
      SequenceCounts found(plain.shape(), rows, phase);
      REQUIRE(plain.attend(unfiltered, first, count, {&expected, nullptr}) ==
              filtered.attend(filtering, first, count, {&found, nullptr}));
      CHECK(found.totals().kept_elements() == expected.totals().kept_elements());
      CHECK(found.totals().v_rows() == expected.totals().v_rows());
      // What was not read is lost as the calibrated term says.
      for (std::int64_t h = 0; h < plain.shape().num_heads; ++h) {
        double lost = 0;
        const double theta = static_cast<double>(unfiltered.theta(0, h).back());
        for (std::int64_t i = first; i < first + count; ++i) {
          double kept = 0;
          double dropped = 0;
          for (const double s : plain.scores(h, i))
            (s > theta ? kept : dropped) += s > theta ? std::exp(s - theta) : kRhoHere;
          lost += dropped / (kept + dropped);
        }
        CHECK(found.totals().head(0, h).lost_mass == Approx(lost).epsilon(1e-5));
        CHECK(expected.totals().head(0, h).lost_mass != Approx(lost).epsilon(1e-2));
      }
    }
    // It was at work: decode leaves word of how many keys the codes left.
    if (prefilter == Prefilter::int8) CHECK(filtered.cache().index().candidate_share(0) < 0.5F);
  }
}
