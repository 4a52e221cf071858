#include "kernels/linear/matrix_vector.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include "core/half.hpp"
#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

namespace toptheta {
namespace {

std::vector<float> random_floats(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& v : values)
    v = static_cast<float>(2 * random.uniform() - 1);
  return values;
}

// Largest difference to the sums in double, in units of sum |x * w|; `weight(i, c)` as the panel holds it.
template <typename Weight>
double largest_error(const std::vector<float>& x, const Weight& weight, const std::vector<float>& y) {
  double worst = 0;
  for (std::size_t c = 0; c < y.size(); ++c) {
    double sum = 0;
    double size = 1e-30;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double term = static_cast<double>(x[i]) * static_cast<double>(weight(i, c));
      sum += term;
      size += std::abs(term);
    }
    const double error = std::abs(static_cast<double>(y[c]) - sum) / size;
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

constexpr std::size_t kWidth = static_cast<std::size_t>(kPanelWidth);

}  // namespace

TEST_CASE("a panel times a vector equals the sums in double, on every instruction set", "[kernels]") {
  for (const std::int64_t rows : {1, 2, 7, 64, 770}) {
    CAPTURE(rows);
    const std::vector<float> x = random_floats(rows, 1);
    const std::vector<float> panel = random_floats(rows * kPanelWidth, 2);
    testing::at_every_instruction_set([&] {
      std::vector<float> y(kWidth, std::nanf(""));
      panel_times_vector(x.data(), panel.data(), rows, y.data());
      CHECK(largest_error(
                x, [&](std::size_t i, std::size_t c) { return panel[i * kWidth + c]; }, y) < 1e-6);
    });
  }
}

TEST_CASE("columns of a panel have the same bytes alone, on every instruction set", "[kernels]") {
  constexpr std::int64_t kRows = 770;
  const std::vector<float> x = random_floats(kRows, 5);
  const std::vector<float> panel = random_floats(kRows * kPanelWidth, 6);
  std::vector<std::uint32_t> pairs(kRows / 2 * kWidth);
  for (std::size_t i = 0; i < pairs.size(); ++i)
    pairs[i] = std::uint32_t{bf16_from_float(panel[i])} << 16 | bf16_from_float(panel[pairs.size() + i]);
  testing::at_every_instruction_set([&] {
    std::vector<float> whole(kWidth);
    std::vector<float> whole_bf16(kWidth);
    panel_times_vector(x.data(), panel.data(), kRows, whole.data());
    panel_times_vector_bf16(x.data(), pairs.data(), kRows, whole_bf16.data());
    for (std::int64_t first = 0; first < kPanelWidth; first += 16)
      for (std::int64_t count = 16; first + count <= kPanelWidth; count += 16) {
        CAPTURE(first, count);
        std::vector<float> y(kWidth, 7);
        std::vector<float> y_bf16(kWidth, 7);
        panel_times_vector(x.data(), panel.data(), kRows, y.data(), {first, count});
        panel_times_vector_bf16(x.data(), pairs.data(), kRows, y_bf16.data(), {first, count});
        for (std::size_t c = 0; c < kWidth; ++c) {
          const bool asked = std::cmp_less_equal(first, c) && std::cmp_less(c, first + count);
          REQUIRE(y[c] == (asked ? whole[c] : 7));
          REQUIRE(y_bf16[c] == (asked ? whole_bf16[c] : 7));
        }
      }
  });
}

TEST_CASE("a bfloat16 panel holds pairs of rows; widened, it is the same numbers", "[kernels]") {
  for (const std::int64_t rows : {2, 8, 770}) {
    CAPTURE(rows);
    const std::vector<float> x = random_floats(rows, 3);
    std::vector<std::uint32_t> panel;
    Random random(4);
    for (std::int64_t i = 0; i < rows / 2 * kPanelWidth; ++i) {
      const auto draw = [&] {
        return std::uint32_t{bf16_from_float(static_cast<float>(random.uniform() - 0.4))};
      };
      const std::uint32_t even = draw();
      panel.push_back(draw() << 16 | even);
    }
    const auto weight = [&](std::size_t i, std::size_t c) {
      return float_from_bf16(static_cast<std::uint16_t>(panel[i / 2 * kWidth + c] >> (i % 2 * 16)));
    };
    testing::at_every_instruction_set([&] {
      std::vector<float> y(kWidth, std::nanf(""));
      panel_times_vector_bf16(x.data(), panel.data(), rows, y.data());
      CHECK(largest_error(x, weight, y) < 1e-6);
      std::vector<float> wide(2 * panel.size(), std::nanf(""));
      widen_panel_bf16(panel.data(), rows, wide.data());
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < wide.size(); ++i)
        wrong += wide[i] == weight(i / kWidth, i % kWidth) ? 0 : 1;
      CHECK(wrong == 0);
    });
  }
}

}  // namespace toptheta
