// A cache of 16 or 8 bits gives, to the bit, what a cache of floats gives for the rounded keys and values;
// those are compared with double precision in the other tests, and here once more.
#include "kernels/attention/kv_type.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "attention/attention.hpp"
#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"
#include "support/naive_attention.hpp"

using namespace toptheta;
using testing::at_every_instruction_set;

namespace {

struct World {
  ModelShape shape;
  std::int64_t rows;
  std::vector<float> q;
  std::vector<float> k;
  std::vector<float> v;
  ThresholdTable table;

  World(const ModelShape& model_shape, std::int64_t count, double theta) : shape(model_shape), rows(count) {
    q.resize(static_cast<std::size_t>(rows * shape.num_heads * shape.head_dim));
    k.resize(static_cast<std::size_t>(rows * shape.num_kv_heads * shape.head_dim));
    v.resize(k.size());
    Random random(21);
    for (auto* values : {&q, &k, &v})
      for (float& x : *values)
        x = static_cast<float>(4 * random.uniform() - 2);
    table.meta.shape = shape;
    std::vector<std::vector<ThresholdEntry>> cells(static_cast<std::size_t>(shape.num_heads));
    for (auto& cell : cells)
      cell.push_back({static_cast<std::int32_t>(rows), theta, 0, 1, 0, 0});
    table.targets.push_back({4, {4}, cells});
  }

  // All but the last row at once, then that one by itself.
  [[nodiscard]] std::vector<float> attend_all(const Policy& policy, KvCache& cache) const {
    return attend_all(policy, cache, rows - 1);
  }
  // The first `together` rows at once, then what is left.
  [[nodiscard]] std::vector<float> attend_all(const Policy& policy, KvCache& cache,
                                              std::int64_t together) const {
    const ResolvedPolicy resolved(policy, shape, rows, &table, "test");
    std::vector<float> out(q.size());
    const std::int64_t width = shape.num_heads * shape.head_dim;
    const std::int64_t kv_width = shape.num_kv_heads * shape.head_dim;
    for (std::int64_t first = 0, count = together; first < rows; first += count, count = rows - together) {
      cache.append(0, count, k.data() + first * kv_width, v.data() + first * kv_width);
      attend({.first_position = first,
              .rows = count,
              .q = q.data() + first * width,
              .scale = 0.5F,
              .out = out.data() + first * width},
             cache, resolved);
      cache.advance(count);
    }
    return out;
  }
  [[nodiscard]] World rounded(KvType type) const {
    World result = *this;
    round_rows(type, shape.head_dim, result.k);
    round_rows(type, shape.head_dim, result.v);
    return result;
  }
};

std::vector<Policy> policies() {
  Policy theta{.selection = Selection::theta};
  Policy compensated = theta;
  compensated.sdc = Sdc::exact;
  compensated.vmc = true;
  Policy page = theta;
  page.prefilter = Prefilter::page;
  Policy int8 = theta;
  int8.prefilter = Prefilter::int8;
  return {{}, theta, compensated, page, int8, {.selection = Selection::topk, .vmc = true, .k = 20}};
}

}  // namespace

TEST_CASE("a cache of 16 or 8 bits is a cache of rounded floats", "[attention]") {
  // A head that is served by tiles, and one that is served row by row.
  for (const ModelShape shape : {ModelShape{1, 4, 2, 20}, ModelShape{1, 2, 1, 10}})
    for (const KvType type : {KvType::f16, KvType::bf16, KvType::int8}) {
      const World world(shape, shape.head_dim == 20 ? 700 : 60, 1.7003);
      const World rounded = world.rounded(type);
      REQUIRE(rounded.k != world.k);
      for (const Policy& policy : policies()) {
        INFO(name_of(type) << ", " << describe(policy));
        at_every_instruction_set([&] {
          KvCache halves(shape, world.rows, policy.prefilter, type);
          KvCache floats(shape, world.rows, policy.prefilter);
          CHECK(world.attend_all(policy, halves) == rounded.attend_all(policy, floats));
        });
      }
    }
}

// Where the processor has no bfloat16 dot products, nothing but keys and values is rounded.
TEST_CASE("under --compute bf16 scores are those of rounded queries, by every policy", "[attention]") {
  constexpr ModelShape kShape{1, 4, 2, 20};
  const World world(kShape, 700, 1.7003);
  for (const Policy& policy : policies()) {
    INFO(describe(policy));
    KvCache cache(kShape, world.rows, policy.prefilter, KvType::bf16, Compute::bf16);
    World rounded = world.rounded(KvType::bf16);
    if (cache.rounds_queries()) round_rows(KvType::bf16, kShape.head_dim, rounded.q);
    KvCache floats(kShape, world.rows, policy.prefilter);
    const std::vector<float> found = world.attend_all(policy, cache);
    const std::vector<float> expected = rounded.attend_all(policy, floats);
    double worst = 0;
    for (std::size_t i = 0; i < found.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
    CHECK(worst < 1e-5);
    // The last row alone, which attend_all leaves to a decode step, and within a prefill: the same bytes.
    KvCache again(kShape, world.rows, policy.prefilter, KvType::bf16, Compute::bf16);
    CHECK(world.attend_all(policy, again, world.rows) == found);
  }
}

TEST_CASE("attention over a cache of fewer bits equals double precision over the rounded keys",
          "[attention]") {
  constexpr ModelShape kShape{1, 2, 1, 16};
  for (const KvType type : {KvType::f16, KvType::bf16, KvType::int8}) {
    const World world(kShape, 300, 1.7003);
    const World rounded = world.rounded(type);
    KvCache cache(kShape, world.rows, Prefilter::none, type);
    const std::vector<float> out = world.attend_all({.selection = Selection::theta}, cache);
    for (const std::int64_t row : {std::int64_t{7}, std::int64_t{150}, std::int64_t{299}})
      for (std::int64_t h = 0; h < 2; ++h) {
        std::vector<double> scores;
        std::vector<std::vector<double>> values;
        for (std::int64_t j = 0; j <= row; ++j) {
          double sum = 0;
          for (std::int64_t i = 0; i < 16; ++i)
            sum += static_cast<double>(world.q[static_cast<std::size_t>((row * 2 + h) * 16 + i)]) *
                   static_cast<double>(rounded.k[static_cast<std::size_t>(j * 16 + i)]);
          scores.push_back(0.5 * sum);
          values.emplace_back(rounded.v.begin() + j * 16, rounded.v.begin() + (j + 1) * 16);
        }
        const testing::NaiveRow expected = testing::naive_row(
            scores, values, {.selection = "theta", .k = 4, .theta = static_cast<double>(1.7003F)});
        for (std::int64_t i = 0; i < 16; ++i)
          CHECK(static_cast<double>(out[static_cast<std::size_t>((row * 2 + h) * 16 + i)]) ==
                Approx(expected.out[static_cast<std::size_t>(i)]).margin(1e-5));
      }
  }
}

TEST_CASE("dense attention shows a score that is not a number", "[attention]") {
  constexpr ModelShape kShape{1, 1, 1, 8};
  World world(kShape, 40, 0);
  world.k[5 * 8] = std::nanf("");
  KvCache cache(kShape, world.rows);
  const std::vector<float> out = world.attend_all({}, cache);
  for (std::int64_t row = 0; row < world.rows; ++row)
    CHECK(std::isnan(out[static_cast<std::size_t>(row * 8)]) == (row >= 5));
}
