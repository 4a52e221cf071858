// All ways through attend(), over several tiles of rows and keys, at every instruction set of this machine:
// against the double-precision version, and against each other to the bit.
#include <algorithm>
#include <cmath>
#include <vector>

#include "attention/job.hpp"
#include "core/parallel.hpp"
#include "kernels/attention/tile_attention.hpp"
#include "support/attention_cases.hpp"
#include "support/attention_world.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

void check_case(const AttentionWorld& world, const AttentionCase& c) {
  INFO(describe(c.policy) << ", theta about " << c.pre_theta << ", head_dim " << world.shape().head_dim);
  const ResolvedPolicy policy = resolve(world, c);
  SequenceCounts counts(world.shape(), world.rows(), Phase::prefill);
  const std::vector<float> whole = world.attend(policy, 0, world.rows(), {&counts, nullptr});
  for (const std::int64_t i :
       {std::int64_t{0}, kK, std::int64_t{100}, std::int64_t{511}, std::int64_t{512}, world.rows() - 1})
    check_step(world, c, policy, i, whole.data() + i * world.row_floats());
  // In pieces that begin where no tile does.
  SequenceCounts piece_counts(world.shape(), world.rows(), Phase::prefill);
  std::vector<float> pieces;
  for (const auto& [first, last] :
       {std::pair{std::int64_t{0}, std::int64_t{37}}, {37, 530}, {530, world.rows()}}) {
    const std::vector<float> piece = world.attend(policy, first, last - first, {&piece_counts, nullptr});
    pieces.insert(pieces.end(), piece.begin(), piece.end());
  }
  CHECK(pieces == whole);
  CHECK(piece_counts.totals().kept_elements() == counts.totals().kept_elements());
  CHECK(piece_counts.totals().v_rows() == counts.totals().v_rows());
}

}  // namespace

TEST_CASE("prefill, decode and prefill in pieces: every policy, every instruction set", "[attention]") {
  const AttentionWorld grouped({1, 4, 2, 24}, 560, 1);
  const AttentionWorld wide({1, 3, 1, 64}, 545, 2);
  const AttentionWorld narrow({1, 2, 2, 20}, 601, 3);
  const std::vector<AttentionCase> cases = all_cases();
  // All cases with the instruction set in use, a part of them with each of the others; head sizes alike.
  for (const AttentionCase& c : cases)
    check_case(grouped, c);
  std::size_t turn = 0;
  at_every_instruction_set([&] {
    for (std::size_t i = turn % 9; i < cases.size(); i += 9)
      check_case(grouped, cases[i]);
    for (std::size_t i = turn % 9; i < cases.size(); i += 27) {
      check_case(wide, cases[i]);
      check_case(narrow, cases[i]);
    }
    ++turn;
  });
}

TEST_CASE("scores far above their thresholds, where exponentials might overflow", "[attention]") {
  const AttentionWorld world({1, 4, 2, 24}, 560, 8, Prefilter::none, false, 3);
  at_every_instruction_set([&] {
    for (const Sdc sdc : {Sdc::none, Sdc::exact, Sdc::offline})
      check_case(world, {{.selection = Selection::theta, .sdc = sdc, .vmc = true, .k = kK},
                         {.selection = "theta",
                          .sdc = std::string(name_of(sdc)),
                          .vmc = true,
                          .k = kK,
                          .offline_m = kOfflineM},
                         6.003});
  });
}

TEST_CASE("a scale that is a power of two: prefill, whose queries take it, and decode, whose scores do",
          "[attention]") {
  const AttentionWorld world({1, 4, 2, 24}, 560, 9, Prefilter::none, false, 0.25F);
  const std::vector<AttentionCase> cases = all_cases();
  at_every_instruction_set([&] {
    for (std::size_t i = 0; i < cases.size(); i += 5)
      check_case(world, cases[i]);
  });
}

TEST_CASE("the general way, row by row, keeps the same keys", "[attention]") {
  const AttentionWorld world({1, 4, 2, 24}, 560, 4);
  const std::vector<AttentionCase> cases = all_cases();
  for (std::size_t i = 0; i < cases.size(); i += 2) {
    const AttentionCase& c = cases[i];
    INFO(describe(c.policy) << ", theta about " << c.pre_theta);
    const ResolvedPolicy policy = resolve(world, c);
    SequenceCounts fast(world.shape(), world.rows(), Phase::prefill);
    SequenceCounts general(world.shape(), world.rows(), Phase::prefill);
    const std::vector<float> out = world.attend(policy, 0, world.rows(), {&fast, nullptr});
    std::vector<float> by_rows(out.size());
    const AttentionCall call = world.call(0, world.rows(), by_rows);
    const AttentionListeners listeners{&general, nullptr};
    attend_by_rows({call, world.cache(), policy, listeners});
    struct Ignore : RowSink {
      void add(const RowBlock&) override {}
    } ignore;
    CHECK(world.attend(policy, 0, world.rows(), {nullptr, &ignore}) == out);  // listening changes nothing
    float largest_difference = 0;
    for (std::size_t at = 0; at < out.size(); ++at)
      largest_difference = std::max(largest_difference, std::abs(out[at] - by_rows[at]));
    CHECK(largest_difference < 1e-5F);
    for (std::int64_t h = 0; h < world.shape().num_heads; ++h)
      CHECK(fast.totals().head(0, h).kept == general.totals().head(0, h).kept);
    CHECK(fast.totals().v_rows() == general.totals().v_rows());
    CHECK(fast.totals().lost_mass() == Approx(general.totals().lost_mass()).margin(1e-6));
  }
}

TEST_CASE("the same bytes at any number of threads, prefill and decode", "[attention]") {
  const AttentionWorld world({1, 4, 2, 24}, 700, 5);
  for (const AttentionCase& c : all_cases()) {
    const ResolvedPolicy policy = resolve(world, c);
    std::vector<std::vector<float>> outs;
    for (const int threads : {1, 3}) {
      set_thread_count(threads);
      outs.push_back(world.attend(policy, 0, world.rows()));
      const std::vector<float> step = world.attend(policy, world.rows() - 1, 1);
      outs.back().insert(outs.back().end(), step.begin(), step.end());
    }
    set_thread_count(0);
    CHECK(outs[0] == outs[1]);
  }
}

TEST_CASE("without lost mass the counts are the same but for it", "[attention]") {
  const AttentionWorld world({1, 2, 1, 16}, 90, 6);
  const AttentionCase c{{.selection = Selection::theta, .k = kK}, {}};
  const ResolvedPolicy policy = resolve(world, c);
  SequenceCounts with(world.shape(), world.rows(), Phase::prefill);
  SequenceCounts without(world.shape(), world.rows(), Phase::prefill);
  CHECK(world.attend(policy, 0, world.rows(), {&with, nullptr, true}) ==
        world.attend(policy, 0, world.rows(), {&without, nullptr, false}));
  CHECK(with.totals().kept_elements() == without.totals().kept_elements());
  CHECK(with.totals().v_rows() == without.totals().v_rows());
  CHECK(with.totals().lost_mass() > 0);
  CHECK(without.totals().lost_mass() == 0);
}

TEST_CASE("scores far apart neither overflow nor vanish", "[attention]") {
  // Scores of -400 to 400: exponentials span more than a float holds.
  constexpr ModelShape kOne{1, 1, 1, 4};
  constexpr std::int64_t kKeys = 1100;
  KvCache cache(kOne, kKeys);
  std::vector<float> k(kKeys * 4);
  std::vector<float> v(kKeys * 4);
  Random random(7);
  for (std::int64_t j = 0; j < kKeys; ++j) {
    k[static_cast<std::size_t>(4 * j)] = static_cast<float>(800 * random.uniform() - 400);
    for (std::size_t i = 0; i < 4; ++i)
      v[static_cast<std::size_t>(4 * j) + i] = static_cast<float>(random.uniform());
  }
  cache.append(0, kKeys, k.data(), v.data());
  cache.advance(kKeys);
  const std::vector<float> q{1, 0, 0, 0};
  const auto largest = [&] {
    std::int64_t best = 0;
    for (std::int64_t j = 1; j < kKeys; ++j)
      if (k[static_cast<std::size_t>(4 * j)] > k[static_cast<std::size_t>(4 * best)]) best = j;
    return best;
  }();
  double sum = 0;
  std::vector<double> expected(4);
  for (std::int64_t j = 0; j < kKeys; ++j) {
    const double w = std::exp(static_cast<double>(k[static_cast<std::size_t>(4 * j)]) -
                              static_cast<double>(k[static_cast<std::size_t>(4 * largest)]));
    sum += w;
    for (std::size_t i = 0; i < 4; ++i)
      expected[i] += w * static_cast<double>(v[static_cast<std::size_t>(4 * j) + i]);
  }
  std::vector<float> out(4);
  attend({0, kKeys - 1, 1, q.data(), 1, out.data()}, cache, dense_policy(kOne));
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(static_cast<double>(out[i]) == Approx(expected[i] / sum).epsilon(1e-5));
}
