#include "kernels/attention/score_rows.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "core/random.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

std::vector<float> random_floats(std::size_t count, std::uint64_t seed, double low = -2, double high = 2) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& v : values)
    v = static_cast<float>(low + (high - low) * random.uniform());
  return values;
}

}  // namespace

TEST_CASE("score_rows equals the double-precision dot product at any shape", "[kernels]") {
  for (const std::int64_t dim : {1, 8, 33, 64})
    for (const std::int64_t keys : {1, 15, 16, 17, 100})
      for (const std::int64_t rows : {1, 7, 8, 19}) {
        const auto q = random_floats(static_cast<std::size_t>(rows * dim), 1);
        const auto k = random_floats(static_cast<std::size_t>(keys * dim), 2);
        const std::int64_t padded = (keys + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
        std::vector<float> packed(static_cast<std::size_t>(padded * dim));
        pack_keys(k.data(), keys, dim, dim, 0, packed.data());
        std::vector<float> scores(static_cast<std::size_t>(rows * padded));
        score_rows(q.data(), rows, dim, packed.data(), dim, keys, 0.5F, scores.data(), padded);
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t j = 0; j < keys; ++j) {
            double expected = 0;
            for (std::int64_t i = 0; i < dim; ++i)
              expected += static_cast<double>(q[static_cast<std::size_t>(r * dim + i)]) *
                          static_cast<double>(k[static_cast<std::size_t>(j * dim + i)]);
            REQUIRE(static_cast<double>(scores[static_cast<std::size_t>(r * padded + j)]) ==
                    Approx(0.5 * expected).margin(2e-5));
          }
      }
}

TEST_CASE("a score does not depend on the tile it was computed in", "[kernels]") {
  constexpr std::int64_t kDim = 48;
  const auto q = random_floats(9 * kDim, 3);
  const auto k = random_floats(40 * kDim, 4);
  std::vector<float> packed(48 * kDim);
  pack_keys(k.data(), 40, kDim, kDim, 0, packed.data());
  std::vector<float> together(9 * 48);
  score_rows(q.data(), 9, kDim, packed.data(), kDim, 40, 1, together.data(), 48);
  for (std::int64_t r = 0; r < 9; ++r) {
    std::vector<float> alone(48);
    score_rows(q.data() + r * kDim, 1, kDim, packed.data(), kDim, 40, 1, alone.data(), 48);
    for (std::size_t j = 0; j < 40; ++j)
      REQUIRE(alone[j] == together[static_cast<std::size_t>(r) * 48 + j]);
  }
}

TEST_CASE("compact_above keeps what is strictly above, in order", "[kernels]") {
  for (const std::size_t n :
       {std::size_t{0}, std::size_t{1}, std::size_t{16}, std::size_t{37}, std::size_t{200}}) {
    auto row = random_floats(n, 5 + n);
    if (n > 20) row[20] = 0.25F;  // equal to theta: dropped
    std::vector<std::int32_t> indices(n + kKeyBlock);
    std::vector<float> values(n + kKeyBlock);
    const std::int64_t kept = compact_above(row, 0.25F, indices.data(), values.data());
    std::vector<std::int32_t> expected;
    for (std::size_t j = 0; j < n; ++j)
      if (row[j] > 0.25F) expected.push_back(static_cast<std::int32_t>(j));
    REQUIRE(kept == static_cast<std::int64_t>(expected.size()));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      REQUIRE(indices[i] == expected[i]);
      REQUIRE(values[i] == row[static_cast<std::size_t>(expected[i])]);
    }
    const float lowest = -std::numeric_limits<float>::infinity();
    REQUIRE(compact_above(row, lowest, indices.data(), values.data()) == static_cast<std::int64_t>(n));
  }
}

TEST_CASE("row_max and the exponentials agree with double precision", "[kernels]") {
  for (const std::size_t n :
       {std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{131}, std::size_t{5000}}) {
    auto row = random_floats(n, 9 + n, -30, 5);
    double largest = -1e30;
    for (const float x : row)
      largest = std::max(largest, static_cast<double>(x));
    REQUIRE(static_cast<double>(row_max(row)) == largest);
    double expected = 0;
    for (const float x : row)
      expected += std::exp(static_cast<double>(x) - largest);
    REQUIRE(exp_sum(row, static_cast<float>(largest)) == Approx(expected).epsilon(1e-6));
    const std::vector<float> before = row;
    // The difference to the maximum is a float of up to 35: half a unit in its last place is 2e-6 of the
    // exponential.
    REQUIRE(exp_in_place(row, static_cast<float>(largest)) == Approx(expected).epsilon(1e-6));
    for (std::size_t j = 0; j < n; ++j)
      REQUIRE(static_cast<double>(row[j]) ==
              Approx(std::exp(static_cast<double>(before[j]) - largest)).epsilon(3e-6).margin(1e-30));
  }
  REQUIRE(row_max({}) == -std::numeric_limits<float>::infinity());
}

TEST_CASE("weighted rows add up, whole or picked by index", "[kernels]") {
  for (const std::int64_t dim : {1, 8, 16, 24, 64, 80}) {
    constexpr std::int64_t kRows = 13;
    const auto values = random_floats(static_cast<std::size_t>(kRows * dim), 11);
    const auto weights = random_floats(5, 12);
    const std::vector<std::int32_t> indices{0, 3, 4, 9, 12};
    std::vector<float> picked(static_cast<std::size_t>(dim), 1);
    std::vector<float> leading(static_cast<std::size_t>(dim), 1);
    add_weighted_rows_at(weights, indices, values.data(), dim, picked.data());
    add_weighted_rows(weights, values.data(), dim, leading.data());
    for (std::int64_t i = 0; i < dim; ++i) {
      double expected_picked = 1;
      double expected_leading = 1;
      for (std::size_t j = 0; j < 5; ++j) {
        const auto w = static_cast<double>(weights[j]);
        expected_picked += w * static_cast<double>(values[static_cast<std::size_t>(indices[j] * dim + i)]);
        expected_leading +=
            w * static_cast<double>(values[j * static_cast<std::size_t>(dim) + static_cast<std::size_t>(i)]);
      }
      REQUIRE(static_cast<double>(picked[static_cast<std::size_t>(i)]) ==
              Approx(expected_picked).margin(1e-5));
      REQUIRE(static_cast<double>(leading[static_cast<std::size_t>(i)]) ==
              Approx(expected_leading).margin(1e-5));
    }
  }
}
