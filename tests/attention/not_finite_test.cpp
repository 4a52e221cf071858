// Keys, queries and scores that are not finite: every policy ends, and none hides them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/error.hpp"
#include "support/attention_cases.hpp"
#include "support/attention_world.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr ModelShape kShape{1, 4, 2, 24};
constexpr std::int64_t kRows = 90;
constexpr std::int64_t kBadKey = 30;
const AttentionWorld& good_world() {
  static const AttentionWorld world(kShape, kRows, 31);
  return world;
}

// The world with one number of a key replaced: of KV head 1, dimension 2.
KvCache with_key(float value) {
  std::vector<float> keys = good_world().keys();
  const std::int64_t width = kShape.num_kv_heads * kShape.head_dim;
  keys[static_cast<std::size_t>(kBadKey * width + kShape.head_dim + 2)] = value;
  KvCache cache(kShape, kRows);
  cache.append(0, kRows, keys.data(), good_world().values().data());
  cache.advance(kRows);
  return cache;
}

std::vector<float> attend_over(KvCache& cache, const ResolvedPolicy& policy, std::int64_t first,
                               std::int64_t count, const std::vector<float>& q) {
  std::vector<float> out(static_cast<std::size_t>(count * good_world().row_floats()));
  attend({.layer = 0,
          .first_position = first,
          .rows = count,
          .q = q.data() + first * good_world().row_floats(),
          .scale = good_world().scale(),
          .out = out.data()},
         cache, policy);
  return out;
}

bool is_finite(const std::vector<float>& out, std::int64_t row, std::int64_t head) {
  const auto begin = out.begin() + row * good_world().row_floats() + head * kShape.head_dim;
  return std::all_of(begin, begin + kShape.head_dim, [](float x) { return std::isfinite(x); });
}

}  // namespace

TEST_CASE("a key that is not a number shows in every row that sees it, under every policy", "[attention]") {
  KvCache cache = with_key(kNaN);
  for (const AttentionCase& c : all_cases()) {
    INFO(describe(c.policy));
    const ResolvedPolicy policy = resolve(good_world(), c);
    const std::vector<float> out = attend_over(cache, policy, 0, kRows, good_world().queries());
    const std::vector<float> step = attend_over(cache, policy, kRows - 1, 1, good_world().queries());
    for (std::int64_t h = 0; h < kShape.num_heads; ++h) {
      for (std::int64_t i = 0; i < kRows; ++i)
        REQUIRE(is_finite(out, i, h) == (h < 2 || i < kBadKey));
      REQUIRE(is_finite(step, 0, h) == (h < 2));
    }
  }
}

TEST_CASE("infinite keys end every policy, and hide nothing from it", "[attention]") {
  for (const float value : {kInfinity, -kInfinity, 3e38F}) {
    KvCache cache = with_key(value);
    for (const AttentionCase& c : all_cases()) {
      INFO(describe(c.policy) << ", " << value);
      const ResolvedPolicy policy = resolve(good_world(), c);
      const std::vector<float> out = attend_over(cache, policy, 0, kRows, good_world().queries());
      const std::vector<float> good =
          attend_over(good_world().cache(), policy, 0, kRows, good_world().queries());
      for (std::int64_t h = 0; h < kShape.num_heads; ++h)
        for (std::int64_t i = 0; i < kRows; ++i) {
          const auto from = static_cast<std::ptrdiff_t>((i * kShape.num_heads + h) * kShape.head_dim);
          const float q = good_world().queries()[static_cast<std::size_t>(from + 2)];
          if (h < 2 || i < kBadKey) {
            for (std::ptrdiff_t d = from; d < from + kShape.head_dim; ++d)
              REQUIRE(out[static_cast<std::size_t>(d)] ==
                      Approx(good[static_cast<std::size_t>(d)]).margin(1e-5));
          } else if (std::isinf(value)) {
            // A score of +infinity leaves no weights; one of -infinity is dropped, or weighs nothing.
            REQUIRE(is_finite(out, i, h) == ((q > 0) != (value > 0)));
          }
        }
    }
  }
}

TEST_CASE("a query that is not a number shows in its row, under every policy", "[attention]") {
  std::vector<float> q = good_world().queries();
  q[static_cast<std::size_t>(40 * good_world().row_floats() + kShape.head_dim)] = kNaN;  // head 1
  for (const AttentionCase& c : all_cases()) {
    const std::vector<float> out = attend_over(good_world().cache(), resolve(good_world(), c), 0, kRows, q);
    for (std::int64_t i = 0; i < kRows; ++i)
      for (std::int64_t h = 0; h < kShape.num_heads; ++h)
        REQUIRE(is_finite(out, i, h) == (i != 40 || h != 1));
  }
}

TEST_CASE("what overflows a 16-bit cache is refused with its place", "[kv_cache]") {
  constexpr ModelShape kTwo{2, 2, 2, 8};
  std::vector<float> k(5 * 16, 1);
  const std::vector<float> v = k;
  KvCache cache(kTwo, 20, Prefilter::none, KvType::f16);
  cache.append(0, 5, k.data(), v.data());
  cache.append(1, 5, k.data(), v.data());
  cache.advance(5);
  k[3 * 16 + 8 + 2] = 70000;
  const auto refused = [&](const std::string& part) {
    try {
      cache.append(1, 5, k.data(), v.data());
    } catch (const InputError& error) {
      return std::string(error.what()).find(part) != std::string::npos;
    }
    return false;
  };
  CHECK(refused("layer 1, KV head 1, position 8"));
  CHECK(refused("use --kv f32 or bf16"));
  KvCache wider(kTwo, 20, Prefilter::none, KvType::bf16);
  CHECK_NOTHROW(wider.append(1, 5, k.data(), v.data()));
}
