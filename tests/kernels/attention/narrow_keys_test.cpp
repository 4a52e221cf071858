// Keys of 16 and 8 bits: packed and widened again, and as dot products of bfloat16.
#include "kernels/attention/narrow_keys.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/half.hpp"
#include "core/random.hpp"
#include "kernels/attention/bf16_scores.hpp"
#include "kernels/rows/int8_row.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

using namespace toptheta;

namespace {

std::vector<std::uint16_t> random_bf16(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint16_t> values(static_cast<std::size_t>(count));
  for (std::uint16_t& value : values)
    value = bf16_from_float(static_cast<float>(2 * random.uniform() - 1));
  return values;
}

double product(const std::uint16_t* a, const std::uint16_t* b, std::int64_t dim) {
  double sum = 0;
  for (std::int64_t i = 0; i < dim; ++i)
    sum += static_cast<double>(float_from_bf16(a[i])) * static_cast<double>(float_from_bf16(b[i]));
  return sum;
}

}  // namespace

TEST_CASE("keys of 16 bits widen to what was packed, in any order of appending", "[kernels]") {
  for (const KvType type : {KvType::f16, KvType::bf16})
    for (const std::int64_t dim : {1, 5, 6, 64, 68}) {
      constexpr std::int64_t kKeys = 5 * kKeyBlock;
      const std::vector<std::uint16_t> keys = random_bf16(kKeys * dim, 3);  // any 16 bits but NaN
      std::vector<std::uint16_t> packed(keys.size(), 0xFFFF);
      for (std::int64_t first = 0, rows = 1; first < kKeys; first += rows, rows += 2)
        pack_half_keys(type, keys.data() + first * dim, std::min(rows, kKeys - first), dim, dim, first,
                       packed.data());
      testing::at_every_instruction_set([&] {
        std::vector<float> wide(keys.size());
        widen_keys({type, packed.data()}, kKeys / kKeyBlock, dim, wide.data());
        std::int64_t wrong = 0;
        for (std::int64_t key = 0; key < kKeys; ++key)
          for (std::int64_t i = 0; i < dim; ++i) {
            const std::uint16_t bits = keys[static_cast<std::size_t>(key * dim + i)];
            const float expected = type == KvType::f16 ? float_from_f16(bits) : float_from_bf16(bits);
            const std::int64_t at = (key / kKeyBlock * dim + i) * kKeyBlock + key % kKeyBlock;
            wrong += wide[static_cast<std::size_t>(at)] == expected ? 0 : 1;
          }
        CHECK(wrong == 0);
      });
    }
}

// What a plain loop in double precision makes of a row: codes, scale and values.
TEST_CASE("rows of 8 bits are within half a step of what was rounded, and keys widen to them", "[kernels]") {
  Random random(9);
  for (const std::int64_t dim : {1, 5, 20, 64, 131}) {
    constexpr std::int64_t kKeys = 3 * kKeyBlock;
    std::vector<float> keys(static_cast<std::size_t>(kKeys * dim));
    for (std::int64_t j = 0; j < kKeys; ++j)
      for (std::int64_t i = 0; i < dim; ++i)
        keys[static_cast<std::size_t>(j * dim + i)] = static_cast<float>(
            j == 7 ? 0 : std::exp2(static_cast<double>(j % 40 - 20)) * (2 * random.uniform() - 1));
    std::vector<std::int8_t> row(static_cast<std::size_t>(dim));
    std::vector<std::int8_t> packed(keys.size(), 99);
    std::vector<float> scales(kKeys);
    std::vector<double> expected(keys.size());
    for (std::int64_t j = 0; j < kKeys; ++j) {
      const float* const key = keys.data() + j * dim;
      const float scale = int8_from_floats(key, dim, row.data());
      scales[static_cast<std::size_t>(j)] = scale;
      pack_int8_key(row.data(), dim, j, packed.data());
      double largest = 0;
      for (std::int64_t i = 0; i < dim; ++i)
        largest = std::max(largest, std::abs(static_cast<double>(key[i])));
      CHECK(static_cast<double>(scale) == Approx(largest / 127));
      for (std::int64_t i = 0; i < dim; ++i) {
        const double value = row[static_cast<std::size_t>(i)] * static_cast<double>(scale);
        CHECK(std::abs(value - static_cast<double>(key[i])) <= largest / 127 * 0.50001);
        expected[static_cast<std::size_t>(j * dim + i)] = value;
      }
    }
    testing::at_every_instruction_set([&] {
      std::vector<float> wide(keys.size());
      widen_keys({KvType::int8, packed.data(), scales.data()}, kKeys / kKeyBlock, dim, wide.data());
      std::vector<float> rounded = keys;
      round_rows(KvType::int8, dim, rounded);
      std::int64_t wrong = 0;
      for (std::int64_t j = 0; j < kKeys; ++j)
        for (std::int64_t i = 0; i < dim; ++i) {
          const auto plain = static_cast<float>(expected[static_cast<std::size_t>(j * dim + i)]);
          const std::int64_t at = (j / kKeyBlock * dim + i) * kKeyBlock + j % kKeyBlock;
          wrong += wide[static_cast<std::size_t>(at)] == plain ? 0 : 1;
          wrong += rounded[static_cast<std::size_t>(j * dim + i)] == plain ? 0 : 1;
        }
      CHECK(wrong == 0);
    });
  }
}

TEST_CASE("a row of 8 bits with a number that is none widens to none", "[kernels]") {
  std::vector<float> row = {1, std::nanf(""), 3};
  round_rows(KvType::int8, 3, row);
  for (const float value : row)
    CHECK(std::isnan(value));
}

TEST_CASE("bfloat16 dot products are the double-precision ones, and mark what is above the threshold",
          "[kernels]") {
  if (!bf16_scores_serve()) {
    WARN("not run: this processor has no bfloat16 dot products");
    return;
  }
  constexpr std::int64_t kBlocks = 7;
  constexpr std::int64_t kKeys = kBlocks * kKeyBlock;
  for (const std::int64_t dim : {4, 20, 64, 128})
    for (const std::int64_t rows : {1, 4, 7, 8, 13, 48}) {
      const std::int64_t stride = dim + 6;
      const std::vector<std::uint16_t> q = random_bf16(rows * stride, 5);
      const std::vector<std::uint16_t> keys = random_bf16(kKeys * dim, 7);
      std::vector<std::uint16_t> packed(keys.size());
      pack_half_keys(KvType::bf16, keys.data(), kKeys, dim, dim, 0, packed.data());
      const std::vector<float> theta(static_cast<std::size_t>(rows), 0.0625F);
      for (const bool marking : {false, true}) {
        std::vector<float> scores(static_cast<std::size_t>(rows * kKeys));
        std::vector<std::uint16_t> marks(static_cast<std::size_t>(rows * kBlocks));
        score_tile_bf16({.q_stride = stride,
                         .rows = rows,
                         .head_dim = dim,
                         .blocks = kBlocks,
                         .scale = 0.25F,
                         .scores = scores.data(),
                         .score_stride = kKeys,
                         .theta = marking ? theta.data() : nullptr,
                         .marks = {std::as_writable_bytes(std::span(marks)).data(), kBlocks}},
                        q.data(), packed.data());
        double worst = 0;
        std::int64_t wrong_marks = 0;
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t key = 0; key < kKeys; ++key) {
            const float score = scores[static_cast<std::size_t>(r * kKeys + key)];
            const double expected = 0.25 * product(q.data() + r * stride, keys.data() + key * dim, dim);
            worst = std::max(worst, std::abs(static_cast<double>(score) - expected));
            const bool marked =
                (marks[static_cast<std::size_t>(r * kBlocks + key / kKeyBlock)] >> (key % kKeyBlock) & 1) !=
                0;
            wrong_marks += marked == (marking && score > 0.0625F) ? 0 : 1;
          }
        INFO("dim " << dim << ", rows " << rows);
        CHECK(worst < 0.25 * static_cast<double>(dim) * 0x1p-22);
        CHECK(wrong_marks == 0);
      }
    }
}
