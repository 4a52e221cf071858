// Which combinations mean something, and what a user is told about the others.
#include "attention/policy.hpp"

#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

constexpr ModelShape kShape{2, 2, 1, 4};

ThresholdTable table_with(Placement placement, double sdc, std::vector<std::int64_t> layer_k = {4, 4}) {
  ThresholdTable table;
  table.meta.shape = kShape;
  table.meta.placement = placement;
  Target target{4, std::move(layer_k), {}};
  for (int cell = 0; cell < 4; ++cell)
    target.cells.push_back({{8, 0.5, 0, 1, sdc, 0.9}});
  table.targets.push_back(target);
  return table;
}

std::string refusal(const Policy& policy, const ThresholdTable* table = nullptr) {
  try {
    const ResolvedPolicy resolved(policy, kShape, 16, table, "t.h5");
  } catch (const Error& error) {
    CHECK(error.status() == ExitStatus::usage);
    return error.what();
  }
  return "";
}

void check_refused(const Policy& policy, const ThresholdTable* table, const std::string& reason) {
  using Catch::Matchers::Contains;
  CHECK_THAT(refusal(policy, table), Contains(reason));
}

}  // namespace

TEST_CASE("combinations that mean nothing are refused with the reason", "[policy]") {
  const ThresholdTable pre = table_with(Placement::pre_softmax, kNotCalibrated);
  const ThresholdTable post = table_with(Placement::post_softmax, kNotCalibrated);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  check_refused({.k = 4}, nullptr, "dense attention has no k");
  check_refused({.sdc = Sdc::exact}, nullptr, "drops nothing");
  check_refused({.vmc = true}, nullptr, "drops nothing");
  check_refused({.cap_k = true}, nullptr, "survivors of a threshold");
  check_refused({.selection = Selection::topk}, nullptr, "needs a k");
  check_refused({.selection = Selection::topk, .cap_k = true, .k = 4}, nullptr, "already keeps k elements");
  check_refused({.selection = Selection::topk, .sdc = Sdc::exp_threshold, .k = 4}, nullptr, "does not have");
  check_refused({.selection = Selection::topk, .sdc = Sdc::offline, .k = 4}, nullptr,
                "needs calibrated terms");
  check_refused({.selection = Selection::topk, .k = 4, .layer_k = {{7, 8}}}, nullptr, "layer out of range");
  check_refused({.selection = Selection::theta}, nullptr, "needs thresholds");
  check_refused({.selection = Selection::theta, .placement = Placement::post_softmax}, &pre,
                "calibrated pre-softmax");
  check_refused({.selection = Selection::theta, .placement = Placement::post_softmax, .sdc = Sdc::exact},
                &post, "denominator is complete");
  check_refused({.selection = Selection::theta, .sdc = Sdc::offline}, &pre, "no offline SDC");
  check_refused({.selection = Selection::theta, .sdc = Sdc::exact, .sdc_scale = nan}, &pre, "sdc-scale");
  check_refused({.selection = Selection::theta, .sdc = Sdc::exact, .sdc_scale = -1}, &pre, "sdc-scale");
  check_refused({.selection = Selection::theta, .layer_k = {{0, 9}}}, &pre, "not what the thresholds");
  check_refused({.selection = Selection::theta, .k = 5}, &pre, "k");
  check_refused({.selection = Selection::topk, .k = 4, .prefilter = Prefilter::int8}, nullptr,
                "by a threshold");
  check_refused({.selection = Selection::theta, .sdc = Sdc::exact, .prefilter = Prefilter::page}, &pre,
                "does not read");
}

TEST_CASE("running-softmax placement takes post-softmax thresholds too, and no other way round", "[policy]") {
  const ThresholdTable pre = table_with(Placement::pre_softmax, kNotCalibrated);
  const ThresholdTable post = table_with(Placement::post_softmax, kNotCalibrated);
  const ThresholdTable running = table_with(Placement::running_softmax, kNotCalibrated);
  const Policy asked{.selection = Selection::theta, .placement = Placement::running_softmax};
  CHECK(refusal(asked, &running).empty());
  CHECK(refusal(asked, &post).empty());
  CHECK(ResolvedPolicy(asked, kShape, 16, &post, "t.h5").theta(0, 1)[9] == 0.5F);
  check_refused(asked, &pre, "calibrated pre-softmax");
  check_refused({.selection = Selection::theta, .placement = Placement::post_softmax}, &running,
                "calibrated running-softmax");
  check_refused({.selection = Selection::theta}, &post, "calibrated post-softmax");
}

TEST_CASE("of all SDC, calibrated goes with running-softmax placement, and prefilters with it", "[policy]") {
  ThresholdTable post = table_with(Placement::post_softmax, kNotCalibrated);
  Policy asked{
      .selection = Selection::theta, .placement = Placement::running_softmax, .sdc = Sdc::calibrated};
  check_refused(asked, &post, "rows of more than 256 keys");
  for (auto& cell : post.targets[0].cells)
    cell[0].rho = 0.25;
  CHECK(refusal(asked, &post).empty());
  CHECK(ResolvedPolicy(asked, kShape, 16, &post, "t.h5").rho(0, 1)[9] == 0.25F);
  for (const Sdc sdc : {Sdc::exact, Sdc::exp_threshold, Sdc::offline}) {
    asked.sdc = sdc;
    check_refused(asked, &post, "Or use calibrated SDC");
  }
  check_refused({.selection = Selection::theta, .placement = Placement::post_softmax, .sdc = Sdc::calibrated},
                &post, "denominator is complete");
  check_refused(
      {.selection = Selection::topk, .placement = Placement::running_softmax, .sdc = Sdc::calibrated, .k = 4},
      &post, "denominator is complete");
  for (const Prefilter prefilter : {Prefilter::page, Prefilter::int8}) {
    asked.sdc = Sdc::calibrated;
    asked.prefilter = prefilter;
    CHECK(refusal(asked, &post).empty());
    asked.sdc = Sdc::none;
    check_refused(asked, &post, "by a threshold");
    asked.sdc = Sdc::calibrated;
    Policy more = asked;
    more.keep_first = 3;
    check_refused(more, &post, "scores whole rows");
    more.keep_first = 0;
    more.keep_recent = 3;
    check_refused(more, &post, "scores whole rows");
    more.keep_recent = 0;
    more.cap_k = true;
    check_refused(more, &post, "without cap-k");
  }
  asked.prefilter = Prefilter::automatic;
  asked.keep_first = 3;
  CHECK(refusal(asked, &post).empty());
  post.targets[0].rho_laws.assign(4, {0.1, 0, 0});
  check_refused(asked, &post, "without --rho-law");
}

TEST_CASE("a table of another model is bad input", "[policy]") {
  ThresholdTable table = table_with(Placement::pre_softmax, 0.1);
  table.meta.shape.num_heads = 3;
  try {
    const ResolvedPolicy resolved({.selection = Selection::theta}, kShape, 16, &table, "t.h5");
    FAIL("accepted");
  } catch (const InputError& error) {
    CHECK(error.problem().where.find("t.h5") != std::string::npos);
  }
}

TEST_CASE("a resolved policy knows thresholds, SDC terms and k of every layer", "[policy]") {
  const ThresholdTable table = table_with(Placement::pre_softmax, 0.25, {4, kDenseK});
  const ResolvedPolicy resolved({.selection = Selection::theta, .sdc = Sdc::offline}, kShape, 16, &table,
                                "t.h5");
  CHECK(resolved.policy().k == 4);
  CHECK(resolved.k(0, 0) == 4);
  CHECK(resolved.k(1, 0) == kDenseK);
  CHECK(resolved.theta(0, 1)[9] == 0.5F);
  CHECK(resolved.sdc(0, 1)[9] == 0.25F);
  CHECK(describe(resolved.policy()) == "theta k=4 pre-softmax sdc=offline");

  const ResolvedPolicy topk({.selection = Selection::topk, .k = 3, .layer_k = {{1, kDenseK}}}, kShape, 16,
                            nullptr, "");
  CHECK(topk.k(0, 0) == 3);
  CHECK(topk.k(1, 0) == kDenseK);
  CHECK(topk.theta(0, 0).empty());
}

TEST_CASE("names of compensations go both ways", "[policy]") {
  for (const Sdc s : {Sdc::none, Sdc::exact, Sdc::exp_threshold, Sdc::offline, Sdc::calibrated})
    CHECK(value_named<Sdc>(name_of(s)) == s);
  CHECK_FALSE(value_named<Sdc>("").has_value());
}
