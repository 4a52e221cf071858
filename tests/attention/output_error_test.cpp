// How far attention's output is from dense attention's, against the double-precision version.
#include <cmath>
#include <limits>
#include <vector>

#include "core/parallel.hpp"
#include "support/attention_cases.hpp"
#include "support/attention_world.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr ModelShape kComparedShape{1, 4, 2, 24};
constexpr std::int64_t kComparedRows = 150;

struct Expected {
  double error = 0;
  double cosine = 0;
};

Expected expected_of(const AttentionWorld& world, const AttentionCase& c, std::int64_t head) {
  double error = 0;
  double dense = 0;
  double cosine = 0;
  for (std::int64_t i = 0; i < world.rows(); ++i) {
    NaiveRule rule = c.rule;
    rule.theta = theta_of(c, head, world.row_length(i));
    rule.k = k_of(c, head);
    const std::vector<double> a = world.naive(head, i, rule).out;
    const std::vector<double> b = world.naive(head, i, NaiveRule{}).out;
    double row[3] = {0, 0, 0};  // |a|^2, |b|^2, a . b
    for (std::size_t d = 0; d < a.size(); ++d) {
      row[0] += a[d] * a[d];
      row[1] += b[d] * b[d];
      row[2] += a[d] * b[d];
      error += (a[d] - b[d]) * (a[d] - b[d]);
    }
    dense += row[1];
    cosine += row[0] > 0 ? row[2] / std::sqrt(row[0] * row[1]) : 0;
  }
  return {std::sqrt(error / dense), cosine / static_cast<double>(world.rows())};
}

AttentionCounts measured(const AttentionWorld& world, const ResolvedPolicy& policy, Phase phase,
                         std::vector<float>* out = nullptr) {
  SequenceCounts counts(world.shape(), world.rows(), phase);
  const AttentionListeners listeners{.counts = &counts, .output_error = true};
  if (phase == Phase::prefill) {
    const std::vector<float> all = world.attend(policy, 0, world.rows(), listeners);
    if (out != nullptr) *out = all;
    return counts.totals();
  }
  for (std::int64_t i = 0; i < world.rows(); ++i)
    (void)world.attend(policy, i, 1, listeners);
  return counts.totals();
}

ResolvedPolicy with_theta(const AttentionWorld& world, double theta, bool vmc = false) {
  const ThresholdTable table = world.table(
      Placement::pre_softmax, kK, [theta](std::int64_t, std::int64_t) { return theta; }, 0);
  return {{.selection = Selection::theta, .vmc = vmc, .k = kK}, world.shape(), world.rows(), &table, "test"};
}

void check_heads(const AttentionWorld& world, const AttentionCase& c) {
  INFO(describe(c.policy));
  const ResolvedPolicy policy = resolve(world, c);
  for (const Phase phase : {Phase::prefill, Phase::decode}) {
    const AttentionCounts counts = measured(world, policy, phase);
    REQUIRE(std::ssize(counts.outputs) == world.shape().num_heads);
    for (std::int64_t h = 0; h < world.shape().num_heads; ++h) {
      const Expected expected = expected_of(world, c, h);
      const OutputDifference& found = counts.outputs[static_cast<std::size_t>(h)];
      CHECK(found.rows == world.rows());
      CHECK(found.relative_error() == Approx(expected.error).epsilon(1e-3).margin(1e-5));
      CHECK(found.mean_cosine() == Approx(expected.cosine).epsilon(1e-4));
    }
  }
}

}  // namespace

TEST_CASE("each head's output error equals the double-precision version's", "[output_error]") {
  const AttentionWorld world(kComparedShape, kComparedRows, 5);
  for (const AttentionCase& c : all_cases())
    check_heads(world, c);
}

TEST_CASE("so it does with windows, capped scores and sinks", "[output_error]") {
  AttentionWorld world(kComparedShape, kComparedRows, 6);
  world.use(64, 3.0F, {0.5F, -1.0F, 2.0F, 0.0F});
  const std::vector<AttentionCase> cases = all_cases();
  for (std::size_t i = 1; i < cases.size(); i += 7)
    if (cases[i].policy.sdc != Sdc::offline) check_heads(world, cases[i]);
}

TEST_CASE("a threshold below every score gives no error at all; one above every score loses everything",
          "[output_error]") {
  const AttentionWorld world(kComparedShape, kComparedRows, 7);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const Phase phase : {Phase::prefill, Phase::decode}) {
    for (const OutputDifference& head : measured(world, with_theta(world, -kInfinity), phase).outputs) {
      CHECK(head.relative_error() == 0);
      CHECK(head.mean_cosine() == 1);
    }
    // Rows of at most k keys are dense all the same.
    const AttentionCounts nothing = measured(world, with_theta(world, 1e30), phase);
    CHECK(nothing.output().mean_cosine() ==
          Approx(static_cast<double>(kK) / static_cast<double>(kComparedRows)));
    CHECK(nothing.output().relative_error() > 0.5);
    CHECK(measured(world, with_theta(world, 1e30, true), phase).output().relative_error() <
          nothing.output().relative_error());
  }
}

TEST_CASE("comparing changes no output, and depends on no number of threads", "[output_error]") {
  const AttentionWorld world(kComparedShape, kComparedRows, 8);
  const ResolvedPolicy policy = with_theta(world, 0.4);
  std::vector<double> errors;
  for (const int threads : {1, 2}) {
    set_thread_count(threads);
    std::vector<float> out;
    errors.push_back(measured(world, policy, Phase::prefill, &out).output().relative_error());
    CHECK(out == world.attend(policy, 0, world.rows()));
  }
  set_thread_count(0);
  CHECK(errors[0] == errors[1]);
}

TEST_CASE("the dense rows of a prompt's end count as dense", "[output_error]") {
  const AttentionWorld world(kComparedShape, kComparedRows, 9);
  SequenceCounts counts(world.shape(), world.rows(), Phase::prefill);
  (void)world.attend(with_theta(world, 1e30), 0, world.rows(),
                     {.counts = &counts, .output_error = true, .dense_from = 50, .dense_to = kComparedRows});
  CHECK(counts.totals().output().mean_cosine() == Approx(105.0 / 150));
}
