// Positions that are kept in any case and running-softmax placement, against the double-precision version.
#include <algorithm>
#include <cmath>
#include <vector>

#include "attention/job.hpp"
#include "core/running_tiles.hpp"
#include "support/attention_cases.hpp"
#include "support/attention_world.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr std::int64_t kPositions = 560;

// A prefill of all rows, with its counts, against the double-precision version of some of them; `rows`: by
// the plain row path. A score that all but lies on its threshold may fall on either side.
void check_keeping(const AttentionWorld& world, const AttentionCase& c, bool rows) {
  const ResolvedPolicy policy = resolve(world, c);
  SequenceCounts counts(world.shape(), world.rows(), Phase::prefill);
  std::vector<float> out(static_cast<std::size_t>(world.rows() * world.row_floats()));
  const AttentionCall call = world.call(0, world.rows(), out);
  const AttentionListeners listeners{&counts, nullptr};
  if (rows)
    attend_by_rows({call, world.cache(), policy, listeners});
  else
    attend(call, world.cache(), policy, listeners);
  for (std::int64_t h = 0; h < world.shape().num_heads; ++h) {
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < world.rows(); ++i) {
      NaiveRule rule = c.rule;
      rule.theta = theta_of(c, h, world.row_length(i));
      rule.k = k_of(c, h);
      const NaiveRow expected = world.naive(h, i, rule);
      kept += std::count(expected.kept.begin(), expected.kept.end(), true);
      if (i % 37 != 0) continue;
      for (std::size_t d = 0; d < expected.out.size(); ++d)
        REQUIRE(static_cast<double>(out[static_cast<std::size_t>(i * world.row_floats()) +
                                        static_cast<std::size_t>(h) * expected.out.size() + d]) ==
                Approx(expected.out[d]).margin(2e-5));
    }
    CHECK(std::abs(counts.totals().head(0, h).kept - kept) <= 1);
  }
}

// What each row of a head keeps.
std::vector<std::vector<std::int32_t>> kept_rows(const AttentionWorld& world, Placement placement,
                                                 float theta) {
  std::vector<std::vector<std::int32_t>> kept;
  RowScratch scratch;
  for (std::int64_t i = 0; i < world.rows(); ++i) {
    std::vector<float> scores;
    for (const double s : world.scores(0, i))
      scores.push_back(static_cast<float>(s));
    const RowRule rule{.selection = Selection::theta, .placement = placement, .k = kK, .theta = theta};
    const RowOutcome outcome = select_and_weigh(scores, rule, 0, false, scratch);
    kept.emplace_back(scratch.indices.begin(), scratch.indices.begin() + outcome.kept);
  }
  return kept;
}

}  // namespace

TEST_CASE("positions that are kept in any case, under every policy", "[keeping]") {
  AttentionWorld world({1, 2, 1, 24}, kPositions, 41);
  for (const AttentionCase& c : keeping_cases()) {
    INFO(describe(c.policy) << ", theta about " << c.pre_theta);
    world.use(0, 0, {});
    check_keeping(world, c, false);
    check_keeping(world, c, true);
    const std::vector<float> whole = world.attend(resolve(world, c), 0, world.rows());
    for (const std::int64_t i :
         {std::int64_t{0}, std::int64_t{11}, std::int64_t{17}, std::int64_t{516}, world.rows() - 1})
      check_step(world, c, resolve(world, c), i, whole.data() + i * world.row_floats());
    world.use(50, 2, {0.3F, -1});
    check_keeping(world, c, false);
    check_keeping(world, c, true);
  }
}

TEST_CASE("a row that comes alone is what it is among others under a running softmax", "[keeping]") {
  const AttentionWorld world({1, 2, 1, 24}, kPositions, 42);
  AttentionCase c{{.selection = Selection::theta, .placement = Placement::running_softmax, .k = kK}, {}};
  c.rule.post_softmax = true;
  const ResolvedPolicy policy = resolve(world, c);
  const std::vector<float> whole = world.attend(policy, 0, world.rows());
  const std::vector<float> alone = world.attend(policy, world.rows() - 1, 1);
  CHECK(std::equal(alone.begin(), alone.end(), whole.end() - world.row_floats()));
  // As a step of a decode it is post-softmax.
  AttentionListeners step;
  step.phase = Phase::decode;
  c.policy.placement = Placement::post_softmax;
  CHECK(world.attend(policy, world.rows() - 1, 1, step) ==
        world.attend(resolve(world, c), world.rows() - 1, 1));
  CHECK(alone != world.attend(resolve(world, c), world.rows() - 1, 1));
}

TEST_CASE("a running softmax keeps what post-softmax placement keeps, and more", "[keeping]") {
  const AttentionWorld world({1, 1, 1, 24}, kPositions, 42);
  bool more = false;
  for (const float theta : {0.0F, 1e-6F, 0.002F, 0.01F, 0.2F}) {
    const auto post = kept_rows(world, Placement::post_softmax, theta);
    const auto running = kept_rows(world, Placement::running_softmax, theta);
    for (std::size_t i = 0; i < post.size(); ++i) {
      CHECK(std::includes(running[i].begin(), running[i].end(), post[i].begin(), post[i].end()));
      more = more || running[i].size() > post[i].size();
      // Of a single tile the denominator is whole at once.
      if (i < static_cast<std::size_t>(kRunningTile)) CHECK(running[i] == post[i]);
    }
  }
  CHECK(more);
}

TEST_CASE("prefilters change no bit of rows with keys that are kept in any case", "[keeping]") {
  constexpr ModelShape kWide{1, 4, 2, 32};
  constexpr std::int64_t kRows = 1200;
  const AttentionWorld plain(kWide, kRows, 44, Prefilter::none, true);
  for (const Prefilter prefilter : {Prefilter::page, Prefilter::int8, Prefilter::automatic}) {
    const AttentionWorld filtered(kWide, kRows, 44, prefilter, true);
    for (const double theta : {-1.2003, 2.7003, 9.0}) {
      const ThresholdTable table = plain.table(
          Placement::pre_softmax, 5, [=](std::int64_t, std::int64_t) { return theta; }, 0, 0.3);
      Policy policy{.selection = Selection::theta, .sdc = Sdc::calibrated, .vmc = true};
      policy.keep_first = 4;
      policy.keep_recent = 70;
      const ResolvedPolicy without(policy, kWide, kRows, &table, "test");
      policy.prefilter = prefilter;
      const ResolvedPolicy with(policy, kWide, kRows, &table, "test");
      INFO(describe(policy) << ", theta " << theta);
      CHECK(plain.attend(without, 600, 200) == filtered.attend(with, 600, 200));
      for (const std::int64_t i : {std::int64_t{72}, std::int64_t{560}, kRows - 1}) {
        SequenceCounts expected(kWide, kRows, Phase::decode);
        SequenceCounts found(kWide, kRows, Phase::decode);
        CHECK(plain.attend(without, i, 1, {&expected, nullptr}) ==
              filtered.attend(with, i, 1, {&found, nullptr}));
        CHECK(found.totals().kept_elements() == expected.totals().kept_elements());
        CHECK(found.totals().v_rows() == expected.totals().v_rows());
      }
    }
  }
}

TEST_CASE("keys far below a threshold that nothing is above are kept where they must be", "[keeping]") {
  const AttentionWorld world({1, 2, 1, 24}, 90, 43);
  for (const bool vmc : {false, true}) {
    AttentionCase c{{.selection = Selection::theta, .vmc = vmc, .k = kK},
                    {"theta", false, "none", 1, vmc, false, kK}};
    c.pre_theta = 1e4;
    c.policy.keep_first = c.rule.keep_first = 2;
    c.policy.keep_recent = c.rule.keep_recent = 1;
    check_keeping(world, c, false);
    check_keeping(world, c, true);
    c.policy.cap_k = c.rule.cap_k = true;
    check_keeping(world, c, false);
    check_keeping(world, c, true);
  }
}
