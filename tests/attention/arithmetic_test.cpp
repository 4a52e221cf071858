// Sliding windows, soft-capped scores and sinks, alone and together, under every policy: against the
// double-precision version.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "attention/job.hpp"
#include "support/attention_cases.hpp"
#include "support/attention_world.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

struct Arithmetic {
  std::int64_t window = 0;
  float cap = 0;
  std::vector<float> sinks;
};

// Sinks far below, within and above the scores.
const std::vector<float> kSinks{-30, 0.7F, 2.5F, 6};

std::vector<Arithmetic> all_arithmetic() {
  return {{40, 0, {}}, {0, 2, {}}, {0, 0, kSinks}, {513, 2, kSinks}, {1, 0, {}}, {40, 3, kSinks}};
}

void check_arithmetic(AttentionWorld& world, const Arithmetic& arithmetic, const AttentionCase& c) {
  world.use(arithmetic.window, arithmetic.cap, arithmetic.sinks);
  INFO(describe(c.policy) << ", theta about " << c.pre_theta << ", head_dim " << world.shape().head_dim
                          << ", window " << arithmetic.window << ", cap " << arithmetic.cap << ", sinks "
                          << arithmetic.sinks.size());
  const ResolvedPolicy policy = resolve(world, c);
  SequenceCounts counts(world.shape(), world.rows(), Phase::prefill);
  const std::vector<float> whole = world.attend(policy, 0, world.rows(), {&counts, nullptr});
  for (const std::int64_t i : {std::int64_t{0}, kK, std::int64_t{39}, std::int64_t{40}, std::int64_t{512},
                               std::int64_t{513}, world.rows() - 1})
    check_step(world, c, policy, i, whole.data() + i * world.row_floats());
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
  SequenceCounts general(world.shape(), world.rows(), Phase::prefill);
  std::vector<float> by_rows(whole.size());
  const AttentionCall call = world.call(0, world.rows(), by_rows);
  const AttentionListeners listeners{&general, nullptr};
  attend_by_rows({call, world.cache(), policy, listeners});
  float difference = 0;
  for (std::size_t i = 0; i < whole.size(); ++i)
    difference = std::max(difference, std::abs(whole[i] - by_rows[i]));
  CHECK(difference < 1e-5F);
  for (std::int64_t h = 0; h < world.shape().num_heads; ++h)
    CHECK(counts.totals().head(0, h).kept == general.totals().head(0, h).kept);
  CHECK(counts.totals().v_rows() == general.totals().v_rows());
  CHECK(counts.totals().lost_mass() == Approx(general.totals().lost_mass()).margin(1e-6));
}

}  // namespace

TEST_CASE("windows, soft-caps and sinks under every policy", "[attention]") {
  AttentionWorld world({1, 4, 2, 24}, 600, 11);
  const std::vector<AttentionCase> cases = all_cases();
  std::size_t first = 0;  // every case under one of three kinds of arithmetic
  for (const Arithmetic& arithmetic : all_arithmetic())
    for (std::size_t i = first++ % 3; i < cases.size(); i += 3)
      check_arithmetic(world, arithmetic, cases[i]);
}

TEST_CASE("windows, soft-caps and sinks at every instruction set", "[attention]") {
  const std::vector<AttentionCase> cases = all_cases();
  AttentionWorld world({1, 4, 2, 24}, 600, 15);
  for (std::size_t i = 0; i < cases.size(); i += 4)
    at_every_instruction_set([&] { check_arithmetic(world, {100, 2, kSinks}, cases[i]); });
}

TEST_CASE("windows, soft-caps and sinks at other head sizes", "[attention]") {
  for (const std::int64_t dim : {10, 12, 20, 80, 256}) {
    AttentionWorld world({1, 4, 2, dim}, 560, 12);
    const std::vector<AttentionCase> cases = all_cases();
    for (std::size_t i = 0; i < cases.size(); i += 7) {
      check_arithmetic(world, {40, 3, kSinks}, cases[i]);
      check_arithmetic(world, {}, cases[i]);
    }
  }
}

TEST_CASE("with windows, soft-caps and sinks, a theta of -infinity is dense", "[attention]") {
  AttentionWorld world({1, 4, 2, 24}, 300, 13);
  const ThresholdTable table = world.table(
      Placement::pre_softmax, 1,
      [](std::int64_t, std::int64_t) { return -std::numeric_limits<double>::infinity(); }, 0);
  for (const Arithmetic& arithmetic : all_arithmetic()) {
    world.use(arithmetic.window, arithmetic.cap, arithmetic.sinks);
    const std::vector<float> dense = world.attend(dense_policy(world.shape()), 0, world.rows());
    for (const bool vmc : {false, true})
      for (const Sdc sdc : {Sdc::none, Sdc::exact, Sdc::exp_threshold}) {
        const Policy policy{.selection = Selection::theta, .sdc = sdc, .vmc = vmc, .k = 1};
        const std::vector<float> out = world.attend(
            ResolvedPolicy(policy, world.shape(), world.rows(), &table, "test"), 0, world.rows());
        float difference = 0;
        for (std::size_t i = 0; i < out.size(); ++i)
          difference = std::max(difference, std::abs(out[i] - dense[i]));
        CHECK(difference < 1e-6F);
      }
  }
}

TEST_CASE("a listener sees the rows that a window leaves, capped, with their sinks", "[attention]") {
  AttentionWorld world({1, 4, 2, 24}, 90, 14);
  world.use(20, 2, kSinks);
  struct Checker : RowSink {
    const AttentionWorld& world;
    std::vector<std::int64_t> rows = std::vector<std::int64_t>(4);
    explicit Checker(const AttentionWorld& checked) : world(checked) {}
    void add(const RowBlock& block) override {
      CHECK(block.sink == kSinks[static_cast<std::size_t>(block.head)]);
      for (std::int64_t r = 0; r < block.rows(); ++r) {
        const std::int64_t i = rows[static_cast<std::size_t>(block.head)]++;
        REQUIRE(block.first_key(r) == std::max<std::int64_t>(0, i - 19));
        REQUIRE(block.first_key(r) + static_cast<std::int64_t>(block.row(r).size()) == i + 1);
        const NaiveRow expected = world.naive(block.head, i, {"dense"});
        const double sum = [&] {
          double all = std::exp(static_cast<double>(block.sink));
          for (const float s : block.row(r))
            all += std::exp(static_cast<double>(s));
          return all;
        }();
        for (std::size_t j = 0; j < block.row(r).size(); ++j)
          REQUIRE(std::exp(static_cast<double>(block.row(r)[j])) / sum ==
                  Approx(expected.weights[j]).epsilon(1e-4));
      }
    }
  } checker(world);
  (void)world.attend(dense_policy(world.shape()), 0, world.rows(), {nullptr, &checker});
  CHECK(checker.rows == std::vector<std::int64_t>(4, 90));
}
