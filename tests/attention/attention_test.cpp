// Attention against the naive double-precision version, and the identities of docs/method.md.
#include "attention/attention.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "core/parallel.hpp"
#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/naive_attention.hpp"

using namespace toptheta;
using testing::naive_row;
using testing::NaiveRow;
using testing::NaiveRule;

namespace {

constexpr ModelShape kShape{1, 4, 2, 24};
constexpr std::int64_t kRows = 70;
constexpr float kScale = 0.2F;

struct World {
  mutable KvCache cache{kShape, kRows};
  std::vector<float> q = std::vector<float>(kRows * kShape.num_heads * kShape.head_dim);
  std::vector<float> k = std::vector<float>(kRows * kShape.num_kv_heads * kShape.head_dim);
  std::vector<float> v = k;

  explicit World(std::uint64_t seed) {
    Random random(seed);
    for (auto* values : {&q, &k, &v})
      for (float& x : *values)
        x = static_cast<float>(4 * random.uniform() - 2);
    cache.append(0, kRows, k.data(), v.data());
    cache.advance(kRows);
  }

  [[nodiscard]] std::vector<double> scores(std::int64_t head, std::int64_t i) const {
    const std::int64_t g = head / (kShape.num_heads / kShape.num_kv_heads);
    std::vector<double> s(static_cast<std::size_t>(i + 1), 0);
    for (std::int64_t j = 0; j <= i; ++j)
      for (std::int64_t d = 0; d < kShape.head_dim; ++d)
        s[static_cast<std::size_t>(j)] +=
            static_cast<double>(kScale) *
            static_cast<double>(
                q[static_cast<std::size_t>((i * kShape.num_heads + head) * kShape.head_dim + d)]) *
            static_cast<double>(
                k[static_cast<std::size_t>((j * kShape.num_kv_heads + g) * kShape.head_dim + d)]);
    return s;
  }
  [[nodiscard]] std::vector<std::vector<double>> values(std::int64_t head, std::int64_t i) const {
    const std::int64_t g = head / (kShape.num_heads / kShape.num_kv_heads);
    std::vector<std::vector<double>> rows;
    for (std::int64_t j = 0; j <= i; ++j) {
      const auto begin = v.begin() + (j * kShape.num_kv_heads + g) * kShape.head_dim;
      rows.emplace_back(begin, begin + kShape.head_dim);
    }
    return rows;
  }
};

// A table whose thresholds are functions of head and length.
ThresholdTable make_table(Placement placement, std::int64_t k,
                          const std::function<double(std::int64_t head, std::int64_t n)>& theta, double sdc) {
  ThresholdTable table;
  table.meta.shape = kShape;
  table.meta.placement = placement;
  Target target{k, {k}, std::vector<std::vector<ThresholdEntry>>(kShape.num_heads)};
  for (std::int64_t h = 0; h < kShape.num_heads; ++h)
    for (std::int64_t n = k + 1; n <= kRows; ++n)
      target.cells[static_cast<std::size_t>(h)].push_back(
          {static_cast<std::int32_t>(n), theta(h, n), 0, 1, sdc, 0.5});
  table.targets.push_back(target);
  return table;
}

std::vector<float> run(const World& world, const ResolvedPolicy& policy, SequenceCounts* counts = nullptr) {
  std::vector<float> out(world.q.size());
  attend({0, 0, kRows, world.q.data(), kScale, out.data()}, world.cache, policy, {counts, nullptr});
  return out;
}

void check_against_naive(const World& world, const Policy& policy, const ThresholdTable* table,
                         NaiveRule rule, const std::function<double(std::int64_t, std::int64_t)>& theta) {
  const ResolvedPolicy resolved(policy, kShape, kRows, table, "test");
  SequenceCounts counts(kShape, kRows, Phase::prefill);
  const std::vector<float> out = run(world, resolved, &counts);
  INFO(describe(policy));
  for (std::int64_t h = 0; h < kShape.num_heads; ++h) {
    std::int64_t kept = 0;
    double lost = 0;
    for (std::int64_t i = 0; i < kRows; ++i) {
      rule.theta = theta(h, i + 1);
      const NaiveRow expected = naive_row(world.scores(h, i), world.values(h, i), rule);
      kept += std::count(expected.kept.begin(), expected.kept.end(), true);
      lost += expected.lost_mass;
      for (std::int64_t d = 0; d < kShape.head_dim; ++d)
        REQUIRE(static_cast<double>(
                    out[static_cast<std::size_t>((i * kShape.num_heads + h) * kShape.head_dim + d)]) ==
                Approx(expected.out[static_cast<std::size_t>(d)]).margin(2e-5));
    }
    CHECK(counts.totals().head(0, h).kept == kept);
    CHECK(counts.totals().head(0, h).lost_mass == Approx(lost).margin(1e-4));
  }
}

}  // namespace

TEST_CASE("every policy equals the double-precision version", "[attention]") {
  const World world(1);
  constexpr std::int64_t kK = 5;
  // No score lies exactly on these thresholds: which side a tie falls on would depend on summation order.
  const auto pre_theta = [](std::int64_t h, std::int64_t n) {
    return 0.301 + 0.1 * static_cast<double>(h) + 0.001 * static_cast<double>(n);
  };
  const auto post_theta = [](std::int64_t h, std::int64_t n) {
    return (0.9 + 0.3 * static_cast<double>(h)) / static_cast<double>(n);
  };
  const ThresholdTable pre = make_table(Placement::pre_softmax, kK, pre_theta, 0.75);
  const ThresholdTable post = make_table(Placement::post_softmax, kK, post_theta, 0.75);

  check_against_naive(world, Policy{}, nullptr, NaiveRule{}, pre_theta);
  for (const bool vmc : {false, true}) {
    for (const double gamma : {1.0, 0.5}) {
      for (const Sdc sdc : {Sdc::none, Sdc::exact, Sdc::exp_threshold, Sdc::offline}) {
        const NaiveRule rule{"theta", false, std::string(name_of(sdc)), gamma, vmc, false, kK, 0, 0.75};
        Policy policy{.selection = Selection::theta, .sdc = sdc, .sdc_scale = gamma, .vmc = vmc, .k = kK};
        check_against_naive(world, policy, &pre, rule, pre_theta);
        policy.cap_k = true;
        NaiveRule capped = rule;
        capped.cap_k = true;
        check_against_naive(world, policy, &pre, capped, pre_theta);
        if (sdc == Sdc::exp_threshold) continue;
        policy.cap_k = false;
        policy.selection = Selection::topk;
        NaiveRule topk = rule;
        topk.selection = "topk";
        check_against_naive(world, policy, &pre, topk, pre_theta);
      }
    }
    for (const Selection selection : {Selection::theta, Selection::topk}) {
      const Policy policy{.selection = selection, .placement = Placement::post_softmax, .vmc = vmc, .k = kK};
      const NaiveRule rule{
          std::string(name_of(Policy{.selection = selection})), true, "none", 1, vmc, false, kK};
      check_against_naive(world, policy, &post, rule, post_theta);
    }
  }
}

TEST_CASE("theta of -infinity is dense, to the bit", "[attention]") {
  const World world(2);
  const auto lowest = [](std::int64_t, std::int64_t) { return -std::numeric_limits<double>::infinity(); };
  const ThresholdTable table = make_table(Placement::pre_softmax, 1, lowest, 0);
  const std::vector<float> dense = run(world, dense_policy(kShape));
  for (const Sdc sdc : {Sdc::none, Sdc::exact, Sdc::exp_threshold}) {
    const Policy policy{.selection = Selection::theta, .sdc = sdc, .k = 1};
    CHECK(run(world, ResolvedPolicy(policy, kShape, kRows, &table, "test")) == dense);
  }
}

TEST_CASE("the (k+1)-th largest as threshold is top-k, to the bit but for the sum over the dropped",
          "[attention]") {
  const World world(3);
  constexpr std::int64_t kK = 7;
  // The thresholds must be the kernel's own float scores, so they are taken from the stream of observed rows.
  struct Collector : RowSink {
    std::vector<std::vector<double>> thetas =
        std::vector<std::vector<double>>(4, std::vector<double>(kRows + 1));
    void add(const RowBlock& block) override {
      for (std::int64_t r = 0; r < block.rows(); ++r) {
        std::vector<float> row(block.row(r).begin(), block.row(r).end());
        if (static_cast<std::int64_t>(row.size()) <= kK) continue;
        std::sort(row.begin(), row.end(), std::greater<>());
        thetas[static_cast<std::size_t>(block.head)][row.size()] = static_cast<double>(row[kK]);
      }
    }
  } collector;
  std::vector<float> ignored(world.q.size());
  attend({0, 0, kRows, world.q.data(), kScale, ignored.data()}, world.cache, dense_policy(kShape),
         {nullptr, &collector});
  const ThresholdTable table = make_table(
      Placement::pre_softmax, kK,
      [&](std::int64_t h, std::int64_t n) {
        return collector.thetas[static_cast<std::size_t>(h)][static_cast<std::size_t>(n)];
      },
      0);
  for (const Sdc sdc : {Sdc::none, Sdc::exact}) {
    const Policy theta{.selection = Selection::theta, .sdc = sdc, .vmc = true, .k = kK};
    const Policy topk{.selection = Selection::topk, .sdc = sdc, .vmc = true, .k = kK};
    SequenceCounts counts(kShape, kRows, Phase::prefill);
    const std::vector<float> by_theta =
        run(world, ResolvedPolicy(theta, kShape, kRows, &table, "test"), &counts);
    const std::vector<float> by_k = run(world, ResolvedPolicy(topk, kShape, kRows, nullptr, ""));
    if (sdc == Sdc::none) CHECK(by_theta == by_k);
    // The sum over the dropped is taken relative to theta by the one, to the largest score by the other.
    for (std::size_t i = 0; i < by_k.size(); ++i)
      REQUIRE(by_theta[i] == Approx(by_k[i]).epsilon(1e-5).margin(1e-6));
    CHECK(counts.totals().effective_k_ratio() == Approx(1));
  }
}

TEST_CASE("exact SDC restores the dense weights of the kept", "[attention]") {
  // With V the identity on one position, the output is that position's weight.
  constexpr ModelShape kOne{1, 1, 1, 8};
  KvCache cache(kOne, 8);
  std::vector<float> q(8 * 8);
  std::vector<float> k(8 * 8);
  std::vector<float> v(8 * 8);
  Random random(4);
  for (float& x : q)
    x = static_cast<float>(2 * random.uniform() - 1);
  for (float& x : k)
    x = static_cast<float>(2 * random.uniform() - 1);
  for (std::size_t i = 0; i < 8; ++i)
    v[i * 8 + i] = 1;
  cache.append(0, 8, k.data(), v.data());
  cache.advance(8);
  std::vector<float> dense(8 * 8);
  std::vector<float> sparse(8 * 8);
  attend({0, 0, 8, q.data(), 1, dense.data()}, cache, dense_policy(kOne));
  const Policy policy{.selection = Selection::topk, .sdc = Sdc::exact, .k = 3};
  attend({0, 0, 8, q.data(), 1, sparse.data()}, cache, ResolvedPolicy(policy, kOne, 8, nullptr, ""));
  int kept = 0;
  for (std::size_t i = 0; i < 64; ++i) {
    if (sparse[i] == 0) continue;
    ++kept;
    CHECK(sparse[i] == Approx(dense[i]).epsilon(1e-5));
  }
  CHECK(kept == 1 + 2 + 3 * 6);
}

TEST_CASE("where nothing survives the output is zero, and the causal mean of V under VMC", "[attention]") {
  const World world(5);
  const ThresholdTable table = make_table(
      Placement::pre_softmax, 2, [](std::int64_t, std::int64_t) { return 1e6; }, 0);
  const Policy plain{.selection = Selection::theta, .k = 2};
  const Policy vmc{.selection = Selection::theta, .vmc = true, .k = 2};
  SequenceCounts counts(kShape, kRows, Phase::prefill);
  const std::vector<float> zero = run(world, ResolvedPolicy(plain, kShape, kRows, &table, "test"), &counts);
  const std::vector<float> mean = run(world, ResolvedPolicy(vmc, kShape, kRows, &table, "test"));
  const std::int64_t i = 40;
  for (std::int64_t h = 0; h < kShape.num_heads; ++h) {
    const auto values = world.values(h, i);
    for (std::int64_t d = 0; d < kShape.head_dim; ++d) {
      const auto at = static_cast<std::size_t>((i * kShape.num_heads + h) * kShape.head_dim + d);
      double expected = 0;
      for (const auto& row : values)
        expected += row[static_cast<std::size_t>(d)];
      CHECK(zero[at] == 0);
      CHECK(static_cast<double>(mean[at]) ==
            Approx(expected / static_cast<double>(values.size())).margin(1e-6));
    }
  }
  CHECK(counts.totals().head(0, 0).kept == 1 + 2);  // the rows that k leaves dense
  CHECK(counts.totals().head(0, 0).lost_mass == Approx(kRows - 2));
}

TEST_CASE("decode equals prefill, row by row, and counts V rows per step", "[attention]") {
  const World world(6);
  const Policy policy{.selection = Selection::topk, .sdc = Sdc::exact, .vmc = true, .k = 6};
  const ResolvedPolicy resolved(policy, kShape, kRows, nullptr, "");
  SequenceCounts prefill(kShape, kRows, Phase::prefill);
  const std::vector<float> whole = run(world, resolved, &prefill);

  KvCache cache(kShape, kRows);
  SequenceCounts decode(kShape, kRows, Phase::decode);
  const std::int64_t q_row = kShape.num_heads * kShape.head_dim;
  const std::int64_t kv_row = kShape.num_kv_heads * kShape.head_dim;
  std::int64_t union_of_steps = 0;
  for (std::int64_t i = 0; i < kRows; ++i) {
    cache.append(0, 1, world.k.data() + i * kv_row, world.v.data() + i * kv_row);
    cache.advance(1);
    std::vector<float> out(static_cast<std::size_t>(q_row));
    attend({0, i, 1, world.q.data() + i * q_row, kScale, out.data()}, cache, resolved, {&decode, nullptr});
    REQUIRE(std::equal(out.begin(), out.end(), whole.begin() + i * q_row));
    const auto first =
        testing::naive_selection(world.scores(0, i), {"topk", false, "none", 1, false, false, 6});
    const auto second =
        testing::naive_selection(world.scores(1, i), {"topk", false, "none", 1, false, false, 6});
    for (std::size_t j = 0; j < first.size(); ++j)
      union_of_steps += first[j] || second[j] ? 1 : 0;
  }
  CHECK(decode.totals().head(0, 1).kept == prefill.totals().head(0, 1).kept);
  CHECK(decode.totals().group(0, 0).rows_needed == union_of_steps);
  CHECK(decode.totals().group(0, 0).rows_available == kRows * (kRows + 1) / 2);
}

TEST_CASE("a prefill in pieces equals the whole, counts included", "[attention]") {
  const World world(7);
  const Policy policy{.selection = Selection::topk, .vmc = true, .k = 3};
  const ResolvedPolicy resolved(policy, kShape, kRows, nullptr, "");
  SequenceCounts at_once(kShape, kRows, Phase::prefill);
  const std::vector<float> whole = run(world, resolved, &at_once);
  SequenceCounts in_pieces(kShape, kRows, Phase::prefill);
  std::vector<float> out(world.q.size());
  const std::int64_t q_row = kShape.num_heads * kShape.head_dim;
  for (std::int64_t first = 0; first < kRows; first += 33) {
    const std::int64_t rows = std::min<std::int64_t>(33, kRows - first);
    attend({0, first, rows, world.q.data() + first * q_row, kScale, out.data() + first * q_row}, world.cache,
           resolved, {&in_pieces, nullptr});
  }
  CHECK(out == whole);
  for (std::int64_t g = 0; g < kShape.num_kv_heads; ++g) {
    CHECK(in_pieces.totals().group(0, g).rows_needed == at_once.totals().group(0, g).rows_needed);
    CHECK(in_pieces.totals().group(0, g).rows_available == kRows);
  }
  CHECK(in_pieces.totals().lost_mass() == at_once.totals().lost_mass());
}

TEST_CASE("the result does not depend on the number of threads", "[attention]") {
  const World world(8);
  const Policy policy{.selection = Selection::topk, .sdc = Sdc::exact, .vmc = true, .k = 9};
  const ResolvedPolicy resolved(policy, kShape, kRows, nullptr, "");
  std::vector<std::vector<float>> outs;
  std::vector<double> lost;
  for (const int threads : {1, 2, 5}) {
    set_thread_count(threads);
    SequenceCounts counts(kShape, kRows, Phase::prefill);
    outs.push_back(run(world, resolved, &counts));
    lost.push_back(counts.totals().lost_mass());
  }
  set_thread_count(0);
  CHECK(outs[0] == outs[1]);
  CHECK(outs[0] == outs[2]);
  CHECK(lost[0] == lost[1]);
  CHECK(lost[0] == lost[2]);
}

TEST_CASE("equal scores: top-k keeps the earliest, cap-k the most recent", "[attention]") {
  constexpr ModelShape kOne{1, 1, 1, 4};
  KvCache cache(kOne, 6);
  const std::vector<float> same(6 * 4, 1);
  std::vector<float> v(6 * 4);
  for (std::size_t i = 0; i < 6; ++i)
    v[i * 4] = static_cast<float>(std::size_t{1} << i);  // a bit per position
  cache.append(0, 6, same.data(), v.data());
  cache.advance(6);
  std::vector<float> out(6 * 4);
  attend({0, 0, 6, same.data(), 1, out.data()}, cache,
         ResolvedPolicy({.selection = Selection::topk, .k = 2}, kOne, 6, nullptr, ""));
  CHECK(out[5 * 4] == Approx((1 + 2) / 2.0));

  ThresholdTable table;
  table.meta.shape = kOne;
  table.targets.push_back({2, {2}, {{{3, 0, 0, 1, 0, 1}}}});
  attend({0, 0, 6, same.data(), 1, out.data()}, cache,
         ResolvedPolicy({.selection = Selection::theta, .cap_k = true, .k = 2}, kOne, 6, &table, ""));
  CHECK(out[5 * 4] == Approx((16 + 32) / 2.0));
}
