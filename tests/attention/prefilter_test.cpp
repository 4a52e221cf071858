// Prefilters must skip something and change nothing.
#include "attention/prefilter.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "attention/attention.hpp"
#include "core/random.hpp"
#include "kernels/attention/tile_attention.hpp"
#include "support/attention_world.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

using namespace toptheta;
using testing::at_every_instruction_set;
using testing::AttentionWorld;

namespace {

// One threshold for every length, a little higher from head to head.
ResolvedPolicy theta_policy(const AttentionWorld& world, double theta, Prefilter prefilter) {
  const ThresholdTable table = world.table(
      Placement::pre_softmax, 5,
      [=](std::int64_t head, std::int64_t) { return theta + 0.1 * static_cast<double>(head); }, 0);
  const Policy policy{
      .selection = Selection::theta, .sdc = Sdc::exp_threshold, .vmc = true, .prefilter = prefilter};
  return ResolvedPolicy(policy, world.shape(), world.rows(), &table, "test");
}

void require_same(const AttentionWorld& plain, const AttentionWorld& filtered, double theta,
                  Prefilter prefilter) {
  const ResolvedPolicy policy = theta_policy(plain, theta, Prefilter::none);
  const ResolvedPolicy filtering = theta_policy(filtered, theta, prefilter);
  for (const std::int64_t i : {std::int64_t{700}, plain.rows() - 1}) {
    SequenceCounts expected(plain.shape(), plain.rows(), Phase::decode);
    SequenceCounts found(plain.shape(), plain.rows(), Phase::decode);
    REQUIRE(plain.attend(policy, i, 1, {&expected, nullptr, false}) ==
            filtered.attend(filtering, i, 1, {&found, nullptr, false}));
    REQUIRE(found.totals().head(0, 1).kept == expected.totals().head(0, 1).kept);
    REQUIRE(found.totals().v_rows() == expected.totals().v_rows());
  }
  // Rows in the middle, more than a tile of them, and from the start, where much of a row is kept.
  for (const auto& [first, rows] : {std::pair{std::int64_t{600}, std::int64_t{20}}, {960, 230}, {0, 30}}) {
    if (rows > kTileRows && theta != 1.9003) continue;  // several tiles of rows: once is enough
    SequenceCounts expected(plain.shape(), plain.rows(), Phase::prefill);
    SequenceCounts found(plain.shape(), plain.rows(), Phase::prefill);
    REQUIRE(plain.attend(policy, first, rows, {&expected, nullptr, false}) ==
            filtered.attend(filtering, first, rows, {&found, nullptr, false}));
    REQUIRE(found.totals().kept_elements() == expected.totals().kept_elements());
    REQUIRE(found.totals().v_rows() == expected.totals().v_rows());
  }
}

}  // namespace

TEST_CASE("prefilters change no bit of any result", "[attention]") {
  constexpr ModelShape kWide{1, 4, 2, 32};
  constexpr std::int64_t kRows = 1200;
  for (const bool clustered : {false, true}) {
    const AttentionWorld plain(kWide, kRows, 8, Prefilter::none, clustered);
    for (const Prefilter prefilter : {Prefilter::page, Prefilter::int8, Prefilter::automatic})
      at_every_instruction_set([&] {
        // Made anew: how keys are coded depends on the instruction set.
        const AttentionWorld filtered(kWide, kRows, 8, prefilter, clustered);
        for (const double theta : {-1.2003, 1.9003, 2.7003, 9.0}) {
          INFO(name_of(prefilter) << (clustered ? " clustered" : " random") << ", theta " << theta);
          require_same(plain, filtered, theta, prefilter);
        }
      });
  }
}

TEST_CASE("prefilters change no bit of windowed and soft-capped rows", "[attention]") {
  constexpr ModelShape kWide{1, 4, 2, 32};
  struct Arithmetic {
    std::int64_t window;
    float cap;
  };
  for (const auto& [window, cap] : {Arithmetic{700, 0}, {0, 4}, {90, 4}})
    for (const Prefilter prefilter : {Prefilter::page, Prefilter::int8, Prefilter::automatic})
      at_every_instruction_set([&, window = window, cap = cap] {
        AttentionWorld plain(kWide, 1200, 8, Prefilter::none, true);
        AttentionWorld filtered(kWide, 1200, 8, prefilter, true);
        plain.use(window, cap, {});
        filtered.use(window, cap, {});
        for (const double theta : {-1.2003, 1.9003, 2.7003, 9.0})
          require_same(plain, filtered, theta, prefilter);
      });
}

TEST_CASE("prefilters change no bit where scores are far above thresholds", "[attention]") {
  // Scores of 60 on average from 0: the kept of some rows are all near the threshold, of others e^40 above it
  // and more. A scale that is a power of two, which queries take instead of scores.
  constexpr ModelShape kWide{1, 4, 2, 32};
  for (const Prefilter prefilter : {Prefilter::page, Prefilter::int8})
    at_every_instruction_set([&] {
      const AttentionWorld plain(kWide, 1200, 8, Prefilter::none, false, 8);
      const AttentionWorld filtered(kWide, 1200, 8, prefilter, false, 8);
      for (const double theta : {100.03, 130.03})
        require_same(plain, filtered, theta, prefilter);
    });
}

TEST_CASE("decode learns where codes pay, and changes no bit", "[attention]") {
  const AttentionWorld world({1, 4, 2, 32}, 2200, 8, Prefilter::automatic, false);
  KeyIndex& index = world.cache().index();
  const auto share_after = [&](double theta, std::int64_t row) {
    REQUIRE(world.attend(theta_policy(world, theta, Prefilter::automatic), row, 1, {}) ==
            world.attend(theta_policy(world, theta, Prefilter::none), row, 1, {}));
    return index.candidate_share(0);
  };
  // Tried at once; where all keys are candidates, not again before a 64th position.
  CHECK(share_after(-20, 2100) == 1);
  CHECK(share_after(20, 2101) == 1);
  CHECK(share_after(20, 2112) == 0);
  index.note_candidate_share(0, 0.1F);  // few enough
  CHECK(share_after(20, 2113) == 0);
  index.note_candidate_share(0, 0.1F);
  CHECK(share_after(20, 1000) == 0.1F);  // too few keys for codes to be tried
}

TEST_CASE("a prefill learns what pays, tries again now and then, and changes no bit", "[attention]") {
  const AttentionWorld world({1, 4, 2, 32}, 1600, 8, Prefilter::automatic, false);
  KeyIndex& index = world.cache().index();
  const auto prefill = [&](double theta) {
    REQUIRE(world.attend(theta_policy(world, theta, Prefilter::automatic), 1200, 200) ==
            world.attend(theta_policy(world, theta, Prefilter::none), 1200, 200));
  };
  const auto asked_until_tried_again = [&] {
    PrefilterWorth worth = index.ask_worth(0);
    std::int64_t asked = 0;
    for (; !worth.bounds || !worth.codes; worth = index.ask_worth(0))
      ++asked;
    return asked;
  };
  CHECK(asked_until_tried_again() == 0);
  prefill(-20);  // nothing is ruled out
  CHECK_FALSE(index.ask_worth(0).bounds);
  CHECK_FALSE(index.ask_worth(0).codes);
  CHECK(asked_until_tried_again() > 0);
  CHECK(asked_until_tried_again() == 15);
  prefill(20);  // what lost is not asked
  CHECK_FALSE(index.ask_worth(0).bounds);
  for (int i = 0; i < 16; ++i)
    prefill(20);
  CHECK(index.ask_worth(0).bounds);
}

TEST_CASE("bounds rule out pages, codes rule out keys", "[attention]") {
  // The same tile through the kernel itself, to see that something is skipped at all.
  constexpr ModelShape kOne{1, 1, 1, 32};
  KvCache cache(kOne, kTileKeys, Prefilter::automatic);
  Random random(9);
  std::vector<float> k(static_cast<std::size_t>(kTileKeys * 32));
  for (std::size_t i = 0; i < k.size(); ++i)
    k[i] = static_cast<float>(random.uniform()) + (i / 32 / 64 == 3 ? 2.0F : -2.0F);
  cache.append(0, kTileKeys, k.data(), k.data());
  cache.advance(kTileKeys);
  const std::vector<float> q(32, 0.5F);
  std::vector<float> out(32);
  const std::int32_t visible = kTileKeys;
  const std::int32_t hidden = 0;
  const float theta = 1;
  static TileScratch scratch;
  RowState state;
  AttentionTile tile{.queries = {q.data(), 32},
                     .rows = 1,
                     .keys = cache.keys(0, 0),
                     .values = cache.values(0, 0),
                     .head_dim = 32,
                     .num_keys = kTileKeys,
                     .visible = &visible,
                     .hidden = &hidden,
                     .chosen = TileThresholds{&theta, &theta},
                     .index = {.bounds = cache.index().bounds(0, 0)}};
  attend_tile(tile, {&state, out.data()}, scratch);
  CHECK(state.kept == 64);
  CHECK(scratch.pages_seen == 16);
  CHECK(scratch.pages_skipped == 14);
  // Keys are not read but through their codes and rows: without them in the packed keys nothing changes.
  const std::vector<float> expected = out;
  const std::vector<float> no_keys(k.size(), 1e6F);
  QueryCodes query_codes;
  code_queries(q.data(), 1, 32, 32, cache.index().sum_width(), query_codes);
  tile.index = {.codes = TileCodes{cache.index().codes(0, 0), &query_codes, cache.index().rows(0, 0)}};
  tile.keys = no_keys.data();
  state = {};
  std::fill(out.begin(), out.end(), 0.0F);
  attend_tile(tile, {&state, out.data()}, scratch);
  CHECK(state.kept == 64);
  CHECK(out == expected);
}

TEST_CASE("an index is right after truncation and regrowth", "[attention]") {
  constexpr ModelShape kOne{1, 1, 1, 8};
  KvCache cache(kOne, 600, Prefilter::automatic);
  KvCache fresh(kOne, 600, Prefilter::automatic);
  Random random(10);
  std::vector<float> k(600 * 8);
  for (float& x : k)
    x = static_cast<float>(8 * random.uniform() - 4);
  const std::vector<float> other(600 * 8, 3.5F);
  cache.append(0, 600, other.data(), other.data());
  cache.advance(600);
  cache.truncate(0);
  for (KvCache* c : {&cache, &fresh}) {
    c->append(0, 600, k.data(), k.data());
    c->advance(600);
  }
  for (const std::int64_t tile : {std::int64_t{0}, kTileKeys}) {
    const std::int64_t pages = tile == 0 ? 16 : 3;
    for (std::int64_t i = 0; i < 8; ++i)
      for (std::int64_t p = 0; p < pages; ++p) {
        CHECK(cache.index().bounds(0, tile).largest[i * 16 + p] ==
              fresh.index().bounds(0, tile).largest[i * 16 + p]);
        CHECK(cache.index().bounds(0, tile).smallest[i * 16 + p] ==
              fresh.index().bounds(0, tile).smallest[i * 16 + p]);
      }
    CHECK(cache.index().bounds(0, tile).magnitude == fresh.index().bounds(0, tile).magnitude);
  }
}
