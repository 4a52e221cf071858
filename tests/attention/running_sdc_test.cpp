// Running-softmax placement whose denominator calibrated SDC estimates: against the double-precision version,
// and with prefilters, which may not change a bit.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "attention/job.hpp"
#include "core/running_tiles.hpp"
#include "kernels/attention/tile_attention.hpp"
#include "support/attention_cases.hpp"
#include "support/attention_world.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr ModelShape kGrouped{1, 4, 2, 32};
constexpr std::int64_t kManyRows = 1200;

// One threshold for every length, a little higher from head to head.
double theta_in(double theta, std::int64_t head) {
  return theta * (1 + 0.1 * static_cast<double>(head));
}

ResolvedPolicy estimated(const AttentionWorld& world, double theta, double rho,
                         Prefilter prefilter = Prefilter::none, Sdc sdc = Sdc::calibrated) {
  const ThresholdTable table = world.table(
      Placement::post_softmax, 5, [=](std::int64_t head, std::int64_t) { return theta_in(theta, head); }, 0,
      rho);
  return ResolvedPolicy({.selection = Selection::theta,
                         .placement = Placement::running_softmax,
                         .sdc = sdc,
                         .vmc = true,
                         .prefilter = prefilter},
                        world.shape(), world.rows(), &table, "test");
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return largest;
}

// All rows by tiles and by whole rows, of which some are compared with the double-precision version.
void check_against_naive(const AttentionWorld& world, const AttentionCase& c) {
  const ResolvedPolicy policy = resolve(world, c);
  SequenceCounts counts(world.shape(), world.rows(), Phase::prefill);
  const std::vector<float> tiles = world.attend(policy, 0, world.rows(), {&counts, nullptr});
  std::vector<float> rows(tiles.size());
  const AttentionListeners alone;
  attend_by_rows({world.call(0, world.rows(), rows), world.cache(), policy, alone});
  CHECK(largest_difference(tiles, rows) < 2e-5);
  for (std::int64_t h = 0; h < world.shape().num_heads; ++h) {
    std::int64_t kept = 0;
    double lost = 0;
    for (std::int64_t i = 0; i < world.rows(); ++i) {
      NaiveRule rule = c.rule;
      rule.theta = theta_of(c, h, world.row_length(i));
      const NaiveRow expected = world.naive(h, i, rule);
      kept += std::count(expected.kept.begin(), expected.kept.end(), true);
      lost += expected.lost_mass;
      if (i % 41 != 0 && i + 1 != world.rows()) continue;
      for (std::size_t d = 0; d < expected.out.size(); ++d)
        REQUIRE(static_cast<double>(tiles[static_cast<std::size_t>(i * world.row_floats()) +
                                          static_cast<std::size_t>(h) * expected.out.size() + d]) ==
                Approx(expected.out[d]).margin(2e-5));
    }
    CHECK(std::abs(counts.totals().head(0, h).kept - kept) <=
          1);  // of a score within rounding of a threshold
    CHECK(counts.totals().head(0, h).lost_mass == Approx(lost).epsilon(1e-4));
  }
}

// What the denominators of some rows of a head hold for dropped keys, over these denominators.
double estimated_lost(const AttentionWorld& world, std::int64_t head, std::int64_t first, std::int64_t count,
                      double theta, double rho) {
  double lost = 0;
  for (std::int64_t i = first; i < first + count; ++i) {
    NaiveRule rule{.selection = "theta", .post_softmax = true, .sdc = "calibrated"};
    rule.k = 5;
    rule.running = true;
    rule.theta = theta_in(theta, head);
    rule.rho = rho;
    const NaiveRow row = world.naive(head, i, rule);
    lost += 1 - row.of_sink;
    for (const double w : row.weights)
      lost -= w;
  }
  return lost;
}

// The same bytes and counts with a prefilter, for rows in the middle, from the start, and alone.
void require_same(const AttentionWorld& plain, const AttentionWorld& filtered, double theta,
                  Prefilter prefilter) {
  constexpr double kRhoHere = 0.3;
  const ResolvedPolicy without = estimated(plain, theta, kRhoHere);
  const ResolvedPolicy with = estimated(filtered, theta, kRhoHere, prefilter);
  for (const auto& [first, rows] :
       {std::pair{std::int64_t{600}, std::int64_t{20}}, {960, 230}, {0, 150}, {kManyRows - 1, 1}}) {
    SequenceCounts expected(plain.shape(), plain.rows(), Phase::prefill);
    SequenceCounts found(plain.shape(), plain.rows(), Phase::prefill);
    REQUIRE(plain.attend(without, first, rows, {&expected, nullptr}) ==
            filtered.attend(with, first, rows, {&found, nullptr}));
    REQUIRE(filtered.attend(with, first, rows) == plain.attend(without, first, rows));
    for (std::int64_t h = 0; h < plain.shape().num_heads; ++h)
      REQUIRE(found.totals().head(0, h).kept == expected.totals().head(0, h).kept);
    REQUIRE(found.totals().v_rows() == expected.totals().v_rows());
    if (rows != 20 || theta < 0.001 || theta > 0.1) continue;  // where some is lost and not all
    // What was not read is lost as the denominator says.
    REQUIRE(found.totals().head(0, 1).lost_mass ==
            Approx(estimated_lost(plain, 1, first, rows, theta, kRhoHere)).epsilon(1e-4));
  }
}

}  // namespace

TEST_CASE("an estimated denominator is that of its definition", "[running-sdc]") {
  at_every_instruction_set([&] {
    for (const ModelShape& shape : {ModelShape{1, 4, 2, 24}, {1, 2, 1, 64}, {1, 2, 2, 20}}) {
      AttentionWorld world(shape, 430, 61);
      for (const bool vmc : {false, true}) {
        const AttentionCase c = running_case(Sdc::calibrated, vmc, 0);
        INFO("head_dim " << shape.head_dim << (vmc ? " vmc" : ""));
        world.use(0, 0, {});
        check_against_naive(world, c);
        std::vector<float> sinks(static_cast<std::size_t>(shape.num_heads), 0.3F);
        sinks[1] = 6;
        world.use(300, 2, sinks);
        check_against_naive(world, c);
      }
    }
  });
}

TEST_CASE("a head size that no tile serves goes row by row", "[running-sdc]") {
  const AttentionWorld world({1, 2, 1, 18}, 400, 62);
  check_against_naive(world, running_case(Sdc::calibrated, true, 0));
}

TEST_CASE("prefilters change no bit under a running softmax with calibrated SDC", "[running-sdc]") {
  for (const bool clustered : {false, true}) {
    const AttentionWorld plain(kGrouped, kManyRows, 63, Prefilter::none, clustered);
    for (const Prefilter prefilter : {Prefilter::page, Prefilter::int8, Prefilter::automatic})
      at_every_instruction_set([&] {
        // Made anew: how keys are coded depends on the instruction set.
        const AttentionWorld filtered(kGrouped, kManyRows, 63, prefilter, clustered);
        for (const double theta : {0.0, 1e-6, 0.0021, 0.0103, 0.2}) {
          INFO(name_of(prefilter) << (clustered ? " clustered" : " random") << ", theta " << theta);
          require_same(plain, filtered, theta, prefilter);
        }
      });
  }
}

TEST_CASE("lost mass is that of the dropped keys, or of their estimate where a prefilter skips them",
          "[running-sdc]") {
  const AttentionWorld world(kGrouped, kManyRows, 63, Prefilter::int8, true);
  const auto lost = [&](Prefilter prefilter) {
    SequenceCounts counts(world.shape(), world.rows(), Phase::prefill);
    (void)world.attend(estimated(world, 0.0103, 0.3, prefilter), 600, 20, {&counts, nullptr});
    return counts.totals().head(0, 1).lost_mass;
  };
  double read = 0;
  for (std::int64_t i = 600; i < 620; ++i) {
    NaiveRule rule{.selection = "theta", .post_softmax = true, .sdc = "calibrated"};
    rule.running = true;
    rule.theta = theta_in(0.0103, 1);
    rule.rho = 0.3;
    read += world.naive(1, i, rule).lost_mass;
  }
  CHECK(lost(Prefilter::none) == Approx(read).epsilon(1e-4));
  CHECK(lost(Prefilter::int8) == Approx(estimated_lost(world, 1, 600, 20, 0.0103, 0.3)).epsilon(1e-4));
  CHECK(lost(Prefilter::int8) != Approx(read).epsilon(1e-2));
}

TEST_CASE("nor of windowed and soft-capped rows with sinks", "[running-sdc]") {
  struct Arithmetic {
    std::int64_t window;
    float cap;
    float sink;
  };
  for (const auto& [window, cap, sink] : {Arithmetic{700, 0, 2}, {0, 4, -1}, {200, 4, 5}})
    for (const Prefilter prefilter : {Prefilter::page, Prefilter::int8, Prefilter::automatic})
      at_every_instruction_set([&, window = window, cap = cap, sink = sink] {
        AttentionWorld plain(kGrouped, kManyRows, 64, Prefilter::none, true);
        AttentionWorld filtered(kGrouped, kManyRows, 64, prefilter, true);
        plain.use(window, cap, {sink, sink, 0, sink});
        filtered.use(window, cap, {sink, sink, 0, sink});
        for (const double theta : {1e-6, 0.0103, 0.05})
          require_same(plain, filtered, theta, prefilter);
      });
}

TEST_CASE("the prefilter is at work in the tiles between the ends of rows", "[running-sdc]") {
  for (const auto& [theta, pays] :
       {std::pair{1e-30, false}, {0.9, true}}) {  // every key is a candidate, or few
    const AttentionWorld world(kGrouped, kManyRows, 65, Prefilter::automatic);
    KeyIndex& index = world.cache().index();
    (void)world.attend(estimated(world, theta, 0.3, Prefilter::automatic), 700, 400);
    // One of two answers in a row may be that what lost should be tried again.
    const bool first = index.ask_worth(0).codes;
    const bool second = index.ask_worth(0).codes;
    CHECK((first && second) == pays);
  }
}

TEST_CASE("a threshold of 0 is dense attention, and of two tiles the denominator is exact", "[running-sdc]") {
  AttentionWorld world(kGrouped, 700, 66);
  for (const std::int64_t window : {std::int64_t{0}, std::int64_t{300}}) {
    world.use(window, 0, {});
    for (const double theta : {0.0, -0.5})
      CHECK(largest_difference(world.attend(estimated(world, theta, 0.3), 0, world.rows()),
                               world.attend(dense_policy(world.shape()), 0, world.rows())) < 1e-5);
  }
  world.use(0, 0, {});
  const ResolvedPolicy plain = estimated(world, 0.01, 0.3, Prefilter::none, Sdc::none);
  for (const double rho : {0.001, 1.0}) {
    const ResolvedPolicy policy = estimated(world, 0.01, rho);
    CHECK(largest_difference(world.attend(policy, 0, 2 * kRunningTile),
                             world.attend(plain, 0, 2 * kRunningTile)) < 1e-6);
    CHECK(largest_difference(world.attend(policy, 500, 200), world.attend(plain, 500, 200)) > 1e-3);
  }
}

TEST_CASE("a row that comes alone, or in another piece, is what it is among others", "[running-sdc]") {
  const AttentionWorld world(kGrouped, 700, 67);
  const ResolvedPolicy policy = estimated(world, 0.01, 0.3);
  const std::vector<float> whole = world.attend(policy, 0, world.rows());
  std::vector<float> pieces;
  for (const auto& [first, last] : {std::pair{std::int64_t{0}, std::int64_t{37}}, {37, 530}, {530, 700}}) {
    const std::vector<float> piece = world.attend(policy, first, last - first);
    pieces.insert(pieces.end(), piece.begin(), piece.end());
  }
  CHECK(pieces == whole);
  const std::vector<float> alone = world.attend(policy, world.rows() - 1, 1);
  CHECK(std::equal(alone.begin(), alone.end(), whole.end() - world.row_floats()));
  // A step of a decode knows the whole denominator, and needs no estimate.
  SequenceCounts counts(world.shape(), world.rows(), Phase::decode);
  SequenceCounts expected(world.shape(), world.rows(), Phase::decode);
  const ResolvedPolicy plain = estimated(world, 0.01, 0.3, Prefilter::none, Sdc::none);
  CHECK(world.attend(policy, world.rows() - 1, 1, {&counts, nullptr}) ==
        world.attend(plain, world.rows() - 1, 1, {&expected, nullptr}));
  CHECK(counts.totals().head(0, 0).lost_mass == expected.totals().head(0, 0).lost_mass);
}

TEST_CASE("cap-k and dense last rows go with an estimated denominator", "[running-sdc]") {
  const AttentionWorld world(kGrouped, 500, 68);
  AttentionCase c = running_case(Sdc::calibrated, true, 0);
  c.policy.cap_k = true;
  const ResolvedPolicy capped = resolve(world, c);
  SequenceCounts counts(world.shape(), world.rows(), Phase::prefill);
  const std::vector<float> lists = world.attend(capped, 0, world.rows(), {&counts, nullptr});
  std::vector<float> rows(lists.size());
  const AttentionListeners alone;
  attend_by_rows({world.call(0, world.rows(), rows), world.cache(), capped, alone});
  CHECK(largest_difference(lists, rows) < 2e-5);
  CHECK(counts.totals().head(0, 0).kept <= world.rows() * kK);
  AttentionListeners last;
  last.dense_from = 450;
  last.dense_to = 500;
  const std::vector<float> part = world.attend(capped, 0, world.rows(), last);
  const std::vector<float> dense = world.attend(dense_policy(world.shape()), 450, 50);
  CHECK(std::equal(dense.begin(), dense.end(), part.end() - 50 * world.row_floats()));
  CHECK(std::equal(part.begin(), part.end() - 50 * world.row_floats(), lists.begin()));
}
