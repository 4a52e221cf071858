// Codes must never rule out a key whose score is above the threshold, and should rule out most others.
#include "kernels/attention/int8_bounds.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "core/random.hpp"
#include "kernels/attention/score_tile.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

using namespace toptheta;
using testing::at_every_instruction_set;

namespace {

constexpr std::int64_t kBlocks = 7;
constexpr std::int64_t kKeys = kBlocks * kKeyBlock;

struct World {
  std::int64_t dim;
  std::int64_t rows;
  std::vector<float> q;
  std::vector<float> k;
  std::vector<float> packed;
  std::vector<std::uint8_t> codes;
  std::vector<KeyBlockFacts> facts;
  QueryCodes queries;
  std::vector<float> scores;  // [rows][kKeys]

  // Values whose magnitudes differ from dimension to dimension, and from key to key.
  World(std::int64_t head_dim, std::int64_t query_rows, std::uint64_t seed)
      : dim(head_dim),
        rows(query_rows),
        q(static_cast<std::size_t>(rows * dim)),
        k(static_cast<std::size_t>(kKeys * dim)),
        packed(k.size()),
        codes(k.size()),
        facts(kBlocks),
        scores(static_cast<std::size_t>(rows * kKeys)) {
    Random random(seed);
    for (auto* values : {&q, &k})
      for (std::size_t i = 0; i < values->size(); ++i)
        (*values)[i] = static_cast<float>((2 * random.uniform() - 1) * (i % 11 == 0 ? 6 : 1) *
                                          (i / static_cast<std::size_t>(dim) % 5 == 0 ? 0.01 : 1));
  }
  void code(SumWidth sums = best_sum_width()) {
    pack_keys(k.data(), kKeys, dim, dim, 0, packed.data());
    for (std::int64_t b = 0; b < kBlocks; ++b)
      facts[static_cast<std::size_t>(b)] =
          code_keys(k.data() + b * kKeyBlock * dim, dim, sums, codes.data() + b * kKeyBlock * dim);
    code_queries(q.data(), rows, dim, dim, sums, queries);
    score_tile({.q = q.data(),
                .q_stride = dim,
                .rows = rows,
                .keys = packed.data(),
                .head_dim = dim,
                .blocks = kBlocks,
                .scale = 0.25F,
                .scores = scores.data(),
                .score_stride = kKeys});
  }
  [[nodiscard]] std::vector<std::uint16_t> marks(const std::vector<float>& theta) const {
    std::vector<std::uint16_t> result(static_cast<std::size_t>(rows * kBlocks), 0xABCD);
    mark_candidates(queries, {codes.data(), facts.data()}, kBlocks, theta.data(), 0.25F,
                    {std::as_writable_bytes(std::span(result)).data(), kBlocks});
    return result;
  }
  [[nodiscard]] float score(std::int64_t r, std::int64_t key) const {
    return scores[static_cast<std::size_t>(r * kKeys + key)];
  }
};

bool marked(const std::vector<std::uint16_t>& marks, std::int64_t r, std::int64_t key) {
  return (marks[static_cast<std::size_t>(r * kBlocks + key / kKeyBlock)] >> (key % kKeyBlock) & 1) != 0;
}

}  // namespace

TEST_CASE("no key above its threshold is ruled out", "[kernels]") {
  for (const std::int64_t dim : {4, 20, 64, 68, 128, 256}) {
    for (const std::int64_t rows : {1, 5, 6, 13, 48}) {
      World world(dim, rows, static_cast<std::uint64_t>(dim + rows));
      at_every_instruction_set([&] {
        world.code();
        // The threshold just below each of some scores: that score must be a candidate.
        for (std::int64_t key = 0; key < kKeys; key += 3) {
          std::vector<float> theta;
          for (std::int64_t r = 0; r < rows; ++r)
            theta.push_back(std::nextafter(world.score(r, key), -std::numeric_limits<float>::infinity()));
          const std::vector<std::uint16_t> marks = world.marks(theta);
          for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t j = 0; j < kKeys; ++j)
              if (world.score(r, j) > theta[static_cast<std::size_t>(r)] && !marked(marks, r, j))
                FAIL("dim " << dim << ", row " << r << ": key " << j << " is lost");
        }
      });
    }
  }
}

TEST_CASE("candidates are few, and the same at every instruction set but for a rounding", "[kernels]") {
  for (const std::int64_t dim : {64, 128}) {
    World world(dim, 17, 3);
    world.code(SumWidth::bits16);
    std::vector<float> theta;
    std::int64_t above = 0;
    for (std::int64_t r = 0; r < world.rows; ++r) {
      std::vector<float> row;
      for (std::int64_t j = 0; j < kKeys; ++j)
        row.push_back(world.score(r, j));
      std::sort(row.rbegin(), row.rend());
      theta.push_back((row[5] + row[6]) / 2);
      above += 6;
    }
    const std::vector<std::uint16_t> expected = world.marks(theta);
    std::int64_t count = 0;
    for (const std::uint16_t bits : expected)
      count += std::popcount(bits);
    CHECK(count >= above);
    CHECK(count < 3 * above);
    at_every_instruction_set([&] {
      const std::vector<std::uint16_t> marks = world.marks(theta);
      int differences = 0;
      for (std::size_t i = 0; i < marks.size(); ++i)
        differences += std::popcount(static_cast<std::uint32_t>(marks[i] ^ expected[i]));
      CHECK(differences <= 1);
    });
    if (best_sum_width() == SumWidth::bits16) continue;
    world.code(SumWidth::bits32);
    std::int64_t fewer = 0;
    for (const std::uint16_t bits : world.marks(theta))
      fewer += std::popcount(bits);
    CHECK(fewer >= above);
    CHECK(fewer < count);
  }
}

TEST_CASE("what is not finite, and a threshold without bounds, rule out nothing", "[kernels]") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const std::int64_t dim : {64, 128}) {
    World world(dim, 3, 5);
    world.k[static_cast<std::size_t>(20 * dim)] = infinity;  // block 1
    world.q[static_cast<std::size_t>(dim)] = std::numeric_limits<float>::quiet_NaN();
    world.code();
    at_every_instruction_set([&] {
      const std::vector<std::uint16_t> marks = world.marks({1e9F, 1e9F, -infinity});
      for (std::int64_t j = 0; j < kKeys; ++j) {
        CHECK(marked(marks, 0, j) == (j / kKeyBlock == 1));
        CHECK(marked(marks, 1, j));
        CHECK(marked(marks, 2, j));
      }
    });
  }
}

TEST_CASE("keys of zeros are candidates only below zero", "[kernels]") {
  World world(64, 2, 6);
  std::fill(world.k.begin(), world.k.end(), 0.0F);
  world.code();
  const std::vector<std::uint16_t> marks = world.marks({0.5F, -0.5F});
  for (std::int64_t j = 0; j < kKeys; ++j) {
    CHECK_FALSE(marked(marks, 0, j));
    CHECK(marked(marks, 1, j));
  }
}
