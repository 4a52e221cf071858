// Policies that look at whole rows themselves: what they keep against plain double-precision versions, that
// their outputs are the softmax over it, and what is counted.
#include "attention/policies/unit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "attention/policies/common_options.hpp"
#include "core/parallel.hpp"
#include "support/attention_world.hpp"
#include "support/catch.hpp"
#include "support/naive_rivals.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr ModelShape kRivalShape{1, 4, 2, 16};
constexpr std::int64_t kRivalRows = 300;

Policy rival(const std::string& name, const std::vector<std::pair<std::string, std::string>>& options,
             std::int64_t k = 0) {
  Policy policy{.selection = Selection::rows, .k = k};
  policy.unit = find_policy(name);
  REQUIRE(policy.unit != nullptr);
  for (const auto& [key, value] : options) {
    const PolicyOption* own = nullptr;
    for (const PolicyOption& option : policy.unit->options)
      if (option.name == key) own = &option;
    REQUIRE(own != nullptr);
    REQUIRE_FALSE(parse_own_option(*own, value, policy).has_value());
  }
  return policy;
}

ResolvedPolicy resolve_rival(const Policy& policy) {
  return ResolvedPolicy(policy, kRivalShape, kRivalRows, nullptr, "");
}

// Share of the tiles of a head in which no row keeps anything.
std::pair<std::int64_t, std::int64_t> empty_tiles(const Kept& kept, std::int64_t rows, std::int64_t keys) {
  std::int64_t tiles = 0;
  std::int64_t empty = 0;
  for (std::size_t first = 0; first < kept.size(); first += static_cast<std::size_t>(rows)) {
    const std::size_t last = std::min(kept.size(), first + static_cast<std::size_t>(rows));
    for (std::size_t key = 0; key < last; key += static_cast<std::size_t>(keys)) {
      bool any = false;
      for (std::size_t i = first; i < last; ++i)
        for (std::size_t j = key; j < std::min(kept[i].size(), key + static_cast<std::size_t>(keys)); ++j)
          any = any || kept[i][j];
      ++tiles;
      empty += any ? 0 : 1;
    }
  }
  return {empty, tiles};
}

void check_counts(const std::vector<Kept>& kept, const AttentionCounts& counts) {
  std::int64_t elements = 0;
  std::int64_t empty = 0;
  std::int64_t tiles = 0;
  for (const Kept& head : kept) {
    for (const auto& row : head)
      elements += std::count(row.begin(), row.end(), true);
    const auto [none, all] = empty_tiles(head, 128, 128);
    empty += none;
    tiles += all;
  }
  const double visible = static_cast<double>(kRivalShape.num_heads * kRivalRows * (kRivalRows + 1)) / 2;
  CHECK(counts.kept_elements() == Approx(static_cast<double>(elements) / visible));
  CHECK(counts.tile_sparsity() == Approx(static_cast<double>(empty) / static_cast<double>(tiles)));
  for (std::int64_t g = 0; g < kRivalShape.num_kv_heads; ++g) {
    std::set<std::size_t> needed;  // by some row of one of the group's heads
    for (std::int64_t h = 2 * g; h < 2 * g + 2; ++h)
      for (const auto& row : kept[static_cast<std::size_t>(h)])
        for (std::size_t j = 0; j < row.size(); ++j)
          if (row[j]) needed.insert(j);
    CHECK(counts.group(0, g).rows_needed == std::ssize(needed));
    CHECK(counts.group(0, g).rows_available == kRivalRows);
  }
}

// What attend() makes of the policy, against softmax over what is to be kept.
void check_rival(const AttentionWorld& world, const Policy& policy,
                 const std::function<Kept(std::int64_t head)>& keeps) {
  INFO(describe(policy));
  const ResolvedPolicy resolved = resolve_rival(policy);
  SequenceCounts counts(kRivalShape, kRivalRows, Phase::prefill);
  const std::vector<float> out = world.attend(resolved, 0, kRivalRows, {&counts, nullptr});
  std::vector<Kept> kept;
  double worst = 0;
  double lost = 0;
  for (std::int64_t h = 0; h < kRivalShape.num_heads; ++h) {
    kept.push_back(keeps(h));
    for (std::int64_t i = 0; i < kRivalRows; ++i) {
      const NaiveRule rule{.selection = "given",
                           .sdc = std::string(name_of(policy.sdc)),
                           .gamma = policy.sdc_scale,
                           .vmc = policy.vmc,
                           .given = kept.back()[static_cast<std::size_t>(i)]};
      const NaiveRow expected = world.naive(h, i, rule);
      lost += expected.lost_mass;
      for (std::int64_t d = 0; d < kRivalShape.head_dim; ++d)
        worst = std::max(
            worst,
            std::abs(
                expected.out[static_cast<std::size_t>(d)] -
                static_cast<double>(
                    out[static_cast<std::size_t>(i * world.row_floats() + h * kRivalShape.head_dim + d)])));
    }
  }
  CHECK(worst < 2e-5);
  CHECK(counts.totals().lost_mass() ==
        Approx(lost / static_cast<double>(kRivalShape.num_heads * kRivalRows)).margin(1e-6));
  check_counts(kept, counts.totals());
}

// Three ways to compensate.
std::vector<Policy> compensated(const Policy& policy) {
  Policy exact = policy;
  exact.sdc = Sdc::exact;
  exact.sdc_scale = 0.5;
  exact.vmc = true;
  Policy vmc = policy;
  vmc.vmc = true;
  return {policy, vmc, exact};
}

}  // namespace

TEST_CASE("policies over whole rows keep what their plain versions keep", "[policies]") {
  const AttentionWorld world(kRivalShape, kRivalRows, 11, Prefilter::none, false, 0.5F);
  for (const Policy& policy : compensated(rival("topp", {{"p", "0.9"}})))
    check_rival(world, policy, [&](std::int64_t h) { return naive_top_p(world, h, 0.9); });
  for (const Policy& policy : compensated(rival("window", {{"window", "40"}, {"sinks", "3"}})))
    check_rival(world, policy, [&](std::int64_t) { return naive_window(world, 40, 3); });
  for (const Policy& policy : compensated(rival("h2o", {{"heavy", "12"}, {"recent", "20"}})))
    check_rival(world, policy, [&](std::int64_t h) { return naive_h2o(world, h, 12, 20); });
  for (const Policy& policy : compensated(rival("quest", {{"pages", "4"}, {"page", "16"}})))
    check_rival(world, policy, [&](std::int64_t h) { return naive_quest(world, h, 4, 16); });
  check_rival(world, rival("h2o", {{"budget", "33"}}),
              [&](std::int64_t h) { return naive_h2o(world, h, 16, 17); });
  check_rival(world, rival("xattention", {{"stride", "4"}, {"block", "32"}, {"tau", "0.6"}}),
              [&](std::int64_t h) { return naive_xattention(world, h, 4, 32, 0.6); });
}

TEST_CASE("BLASST skips tiles, and what it skips leaves the denominator", "[policies]") {
  const AttentionWorld world(kRivalShape, kRivalRows, 12, Prefilter::none, false, 0.5F);
  for (const auto& [lambda, tile] : {std::pair{0.3, std::int64_t{4}}, {0.05, 16}})
    check_rival(world,
                rival("blasst", {{"lambda", fmt::format("{}", lambda)}, {"tile", fmt::format("{}", tile)}}),
                [&](std::int64_t h) { return naive_blasst(world, h, lambda, tile); });
}

TEST_CASE("quest by k takes the pages that hold as many keys", "[policies]") {
  const AttentionWorld world(kRivalShape, kRivalRows, 13);
  check_rival(world, rival("quest", {{"page", "8"}}, 20), [&](std::int64_t h) {
    Kept kept = naive_quest(world, h, 3, 8);
    for (std::size_t i = 0; i < 20; ++i)  // rows of at most k keys stay dense
      kept[i].assign(i + 1, true);
    return kept;
  });
}

TEST_CASE("where nothing is left to drop, every policy is dense", "[policies]") {
  const AttentionWorld world(kRivalShape, kRivalRows, 14);
  const std::vector<float> dense = world.attend(dense_policy(kRivalShape), 0, kRivalRows);
  for (const Policy& policy :
       {rival("topp", {{"p", "1"}}), rival("window", {{"window", "300"}, {"sinks", "0"}}),
        rival("h2o", {{"budget", "600"}}), rival("quest", {{"pages", "19"}}),
        rival("blasst", {{"lambda", "0"}}), rival("xattention", {{"tau", "1"}}), rival("random", {}, 300)}) {
    INFO(describe(policy));
    SequenceCounts counts(kRivalShape, kRivalRows, Phase::prefill);
    const std::vector<float> out = world.attend(resolve_rival(policy), 0, kRivalRows, {&counts, nullptr});
    double worst = 0;
    for (std::size_t i = 0; i < out.size(); ++i)
      worst = std::max(worst, static_cast<double>(std::abs(out[i] - dense[i])));
    CHECK(worst < 1e-5);
    CHECK(counts.totals().kept_elements() == 1);
    CHECK(counts.totals().tile_sparsity() == 0);
    CHECK(counts.totals().lost_mass() == Approx(0).margin(1e-6));
  }
}

TEST_CASE("random-k keeps k, by seed and place alone", "[policies]") {
  const AttentionWorld world(kRivalShape, kRivalRows, 15);
  const auto run = [&](const char* seed) {
    SequenceCounts counts(kRivalShape, kRivalRows, Phase::prefill);
    auto out =
        world.attend(resolve_rival(rival("random", {{"seed", seed}}, 7)), 0, kRivalRows, {&counts, nullptr});
    CHECK(counts.totals().effective_k_ratio() == 1);
    return out;
  };
  CHECK(run("1") == run("1"));
  CHECK(run("1") != run("2"));
}

TEST_CASE("row by row, and at any number of threads, the same as at once", "[policies]") {
  const AttentionWorld world(kRivalShape, kRivalRows, 16);
  for (const Policy& policy :
       {rival("topp", {}), rival("window", {{"window", "31"}}), rival("quest", {{"pages", "3"}}),
        rival("random", {}, 9), rival("h2o", {{"budget", "24"}})}) {
    INFO(describe(policy));
    const ResolvedPolicy resolved = resolve_rival(policy);
    const AttentionWorld fresh(kRivalShape, kRivalRows, 16);  // with a memory of its own
    set_thread_count(1);
    const std::vector<float> whole = world.attend(resolved, 0, kRivalRows);
    set_thread_count(0);
    std::vector<float> pieces = fresh.attend(resolved, 0, 100);
    for (std::int64_t i = 100; i < kRivalRows; ++i) {
      const std::vector<float> step = fresh.attend(resolved, i, 1);
      pieces.insert(pieces.end(), step.begin(), step.end());
    }
    CHECK(pieces == whole);
  }
}

TEST_CASE("keys that are kept in any case, and what a policy chooses among the others", "[policies]") {
  const AttentionWorld world(kRivalShape, kRivalRows, 17, Prefilter::none, false, 0.5F);
  Policy policy{.selection = Selection::topk, .vmc = true, .k = 10};
  policy.keep_first = 3;
  policy.keep_recent = 5;
  check_rival(world, policy, [&](std::int64_t h) {
    Kept kept;
    for (std::int64_t i = 0; i < kRivalRows; ++i) {
      std::vector<double> s = log_weights(world, h, i);
      std::vector<bool>& row = kept.emplace_back(s.size(), false);
      for (std::int64_t j = 0; j <= i; ++j)
        if (j < 3 || j > i - 5) {
          row[static_cast<std::size_t>(j)] = true;
          s[static_cast<std::size_t>(j)] = -std::numeric_limits<double>::infinity();
        }
      std::vector<std::size_t> order = descending(s);
      order.resize(std::min<std::size_t>(order.size(), 10));
      for (const std::size_t j : order)
        row[j] = true;
    }
    return kept;
  });
}

TEST_CASE("rows that are dense in any case", "[policies]") {
  const AttentionWorld world(kRivalShape, kRivalRows, 18);
  const ResolvedPolicy policy = resolve_rival(rival("window", {{"window", "8"}}));
  const std::vector<float> sparse = world.attend(policy, 0, kRivalRows);
  const std::vector<float> dense = world.attend(dense_policy(kRivalShape), 0, kRivalRows);
  SequenceCounts counts(kRivalShape, kRivalRows, Phase::prefill);
  AttentionListeners listeners{&counts, nullptr};
  listeners.dense_from = 200;
  listeners.dense_to = 210;
  const std::vector<float> out = world.attend(policy, 0, kRivalRows, listeners);
  const auto at = [&](std::int64_t row) { return row * world.row_floats(); };
  CHECK(std::equal(out.begin(), out.begin() + at(200), sparse.begin()));
  CHECK(std::equal(out.begin() + at(200), out.begin() + at(210), dense.begin() + at(200)));
  CHECK(std::equal(out.begin() + at(210), out.end(), sparse.begin() + at(210)));
}

TEST_CASE("tiles that keep nothing are counted alike on every way through attention", "[policies]") {
  const AttentionWorld world(kRivalShape, kRivalRows, 19, Prefilter::none, false, 1);
  // Thresholds so high that few keys pass.
  const ThresholdTable table = world.table(
      Placement::pre_softmax, 2, [](std::int64_t, std::int64_t) { return 9.0; }, 0);
  const ResolvedPolicy theta({.selection = Selection::theta, .k = 2}, kRivalShape, kRivalRows, &table, "t");
  const ResolvedPolicy topk({.selection = Selection::topk, .k = 2}, kRivalShape, kRivalRows, nullptr, "");
  for (const ResolvedPolicy* policy : {&theta, &topk}) {
    const TileSize tile{.rows = 32, .keys = 24};
    SequenceCounts prefill(kRivalShape, kRivalRows, Phase::prefill, tile);
    (void)world.attend(*policy, 0, 77, {&prefill, nullptr});
    (void)world.attend(*policy, 77, kRivalRows - 77, {&prefill, nullptr});
    SequenceCounts decode(kRivalShape, kRivalRows, Phase::decode, tile);
    for (std::int64_t i = 0; i < kRivalRows; ++i)
      (void)world.attend(*policy, i, 1, {&decode, nullptr});
    for (std::int64_t h = 0; h < kRivalShape.num_heads; ++h) {
      Kept kept;
      for (std::int64_t i = 0; i < kRivalRows; ++i)
        kept.push_back(
            world.naive(h, i, {.selection = policy == &theta ? "theta" : "topk", .k = 2, .theta = 9}).kept);
      const HeadCount in_prefill = prefill.totals().head(0, h);
      const HeadCount in_decode = decode.totals().head(0, h);
      CHECK(std::pair(in_prefill.tiles - in_prefill.tiles_kept, in_prefill.tiles) ==
            empty_tiles(kept, 32, 24));
      CHECK(std::pair(in_decode.tiles - in_decode.tiles_kept, in_decode.tiles) == empty_tiles(kept, 1, 24));
    }
  }
}
