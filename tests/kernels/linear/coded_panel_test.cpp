// Weights of 8 bits against plain loops in double precision over the same integers: products of single rows
// at every instruction set and by the processor's own byte products, widened panels, rounding.
#include "kernels/linear/coded_panel.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/half.hpp"
#include "core/random.hpp"
#include "kernels/linear/coded_panel_vnni.hpp"
#include "kernels/linear/linear.hpp"
#include "kernels/vector/vnni.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

using namespace toptheta;

namespace {

std::vector<float> floats_between(std::int64_t count, std::uint64_t seed, double low, double high) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values)
    value = static_cast<float>(low + (high - low) * random.uniform());
  return values;
}

// Rows of any codes, with scales of either sign and offsets.
struct CodedWorld {
  std::int64_t rows, in, group;
  std::vector<std::uint8_t> codes;
  std::vector<float> scales, offsets;
  std::vector<std::byte> panel;

  CodedWorld(std::int64_t row_count, std::int64_t width, std::int64_t group_size)
      : rows(row_count),
        in(width),
        group(group_size),
        codes(static_cast<std::size_t>(rows * in)),
        scales(floats_between(rows * in / group, 1, -0.01, 0.02)),
        offsets(floats_between(rows * in / group, 2, -1, 1)),
        panel(static_cast<std::size_t>(coded_panel_bytes(in, group))) {
    Random random(3);
    for (std::uint8_t& code : codes)
      code = static_cast<std::uint8_t>(random.below(256));
    pack_coded(given(), rows, in, panel.data());
  }
  [[nodiscard]] CodedRows given() { return {group, codes.data(), scales.data(), offsets.data()}; }
  [[nodiscard]] CodedPanel packed() const { return {panel.data(), in, group}; }
  [[nodiscard]] double weight(std::int64_t row, std::int64_t i) const {
    const auto at = static_cast<std::size_t>(row * in + i);
    const auto g = at / static_cast<std::size_t>(group);
    return static_cast<double>(scales[g]) * codes[at] + static_cast<double>(offsets[g]);
  }
};

// The input as its codes say it.
double input(const CodedVector& x, std::int64_t i) {
  return static_cast<double>(x.scales[static_cast<std::size_t>(i / kCodeBlock)]) *
         x.codes[static_cast<std::size_t>(i)];
}

double worst_product(const CodedWorld& world, const CodedVector& x, const std::vector<float>& y) {
  double worst = 0;
  for (std::int64_t c = 0; c < kPanelWidth; ++c) {
    double sum = 0;
    double size = 1e-30;
    for (std::int64_t i = 0; i < world.in && c < world.rows; ++i) {
      sum += world.weight(c, i) * input(x, i);
      size += 3 * std::abs(input(x, i));  // of a product's parts, which may cancel
    }
    worst = std::max(worst, std::abs(static_cast<double>(y[static_cast<std::size_t>(c)]) - sum) / size);
  }
  return worst;
}

}  // namespace

TEST_CASE("a row of 8 bits times a panel is the product in double, at every instruction set",
          "[kernels][q8]") {
  for (const std::int64_t group : {16, 32})
    for (const std::int64_t in : {32, 96, 576})
      for (const std::int64_t rows : {64, 37}) {
        CodedWorld world(rows, in, group);
        const std::vector<float> values = floats_between(in - 5, 4, -3, 3);  // the rest counts as zero
        CodedVector x;
        code_vector(values.data(), in - 5, in, group, x);
        for (std::int64_t i = 0; i < in; ++i) {
          const double exact = i < in - 5 ? static_cast<double>(values[static_cast<std::size_t>(i)]) : 0;
          REQUIRE(std::abs(input(x, i) - exact) <= 3.0 / 127 * 0.5001);
        }
        CAPTURE(group, in, rows);
        testing::at_every_instruction_set([&] {
          std::vector<float> y(kPanelWidth, std::nanf(""));
          coded_panel_times_vector(world.packed(), x, y.data());
          CHECK(worst_product(world, x, y) < 1e-6);
        });
        if (!has_vnni()) continue;
        std::vector<float> y(kPanelWidth, std::nanf(""));
        coded_panel_times_vector_vnni(world.packed(), x, y.data());
        CHECK(worst_product(world, x, y) < 1e-6);
      }
  if (!has_vnni()) WARN("byte products not run: this processor has no AVX-512 VNNI");
}

TEST_CASE("panels of 8 bits widen to scale * code + offset", "[kernels][q8]") {
  for (const std::int64_t group : {16, 32}) {
    constexpr std::int64_t kIn = 96;
    CodedWorld world(50, kIn, group);
    testing::at_every_instruction_set([&] {
      std::vector<float> wide(kIn * kPanelWidth);
      std::vector<std::uint32_t> pairs(kIn / 2 * kPanelWidth);
      std::vector<float> row(kIn);
      widen_coded_panel(world.packed(), wide.data());
      widen_coded_panel_bf16(world.packed(), pairs.data());
      double worst = 0;
      std::int64_t wrong = 0;
      for (std::int64_t c = 0; c < 50; ++c) {
        unpack_coded(world.packed(), c, row.data());
        for (std::int64_t i = 0; i < kIn; ++i) {
          const float value = wide[static_cast<std::size_t>(i * kPanelWidth + c)];
          worst = std::max(worst, std::abs(static_cast<double>(value) - world.weight(c, i)));
          const std::uint32_t pair = pairs[static_cast<std::size_t>(i / 2 * kPanelWidth + c)];
          wrong += static_cast<std::uint16_t>(pair >> (i % 2 * 16)) == bf16_from_float(value) ? 0 : 1;
          wrong += row[static_cast<std::size_t>(i)] == value ? 0 : 1;
        }
      }
      CHECK(worst < 6.2 * 0x1p-23);
      CHECK(wrong == 0);
    });
  }
}

TEST_CASE("q8 rounds weights to half a step, and products are those of the rounded ones", "[kernels][q8]") {
  for (const std::int64_t in : {64, 172, 1})  // also rows that do not fill blocks
    for (const std::int64_t out : {172, 1}) {
      const std::vector<float> weight = floats_between(in * out, 5, -1, 1);
      const std::vector<float> bias = floats_between(out, 6, -1, 1);
      const Linear linear(weight, out, in, bias, Compute::q8);
      std::vector<float> kept(weight.size());
      for (std::int64_t o = 0; o < out; ++o)
        linear.row(o, kept.data() + o * in);
      for (std::size_t i = 0; i < weight.size(); ++i)
        REQUIRE(std::abs(static_cast<double>(kept[i]) - static_cast<double>(weight[i])) <= 0.501 / 127);
      for (const std::int64_t rows : {1, 2, 70}) {
        const std::vector<float> x = floats_between(rows * in, 7, -1, 1);
        std::vector<float> y(static_cast<std::size_t>(rows * out));
        linear.apply(x.data(), rows, y.data());
        // A single row is rounded to 8 bits, several to bfloat16 where the processor multiplies that.
        const double step = rows == 1 ? 0.5 / 127 : linear.rounds_input() ? 0x1p-8 : 1e-6;
        double worst = 0;
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t o = 0; o < out; ++o) {
            double sum = static_cast<double>(bias[static_cast<std::size_t>(o)]);
            double size = std::abs(sum);
            for (std::int64_t i = 0; i < in; ++i) {
              const auto w = static_cast<double>(kept[static_cast<std::size_t>(o * in + i)]);
              sum += w * static_cast<double>(x[static_cast<std::size_t>(r * in + i)]);
              size += std::abs(w);  // of inputs up to 1
            }
            const double error =
                std::abs(static_cast<double>(y[static_cast<std::size_t>(r * out + o)]) - sum);
            worst = std::max(worst, error / size);
          }
        CAPTURE(in, out, rows);
        CHECK(worst < 1.01 * step);
      }
    }
}

TEST_CASE("codes of a file are kept as they are", "[kernels][q8]") {
  CodedWorld world(64, 96, 16);
  const Linear linear(
      [&](std::int64_t first, std::int64_t count, const CodedRows& to) {
        const CodedRows from = world.given().from(first, 96);
        std::copy_n(from.codes, count * 96, to.codes);
        std::copy_n(from.scales, count * 6, to.scales);
        std::copy_n(from.offsets, count * 6, to.offsets);
      },
      16, 64, 96);
  CHECK(linear.bytes() == coded_panel_bytes(96, 16));
  std::vector<float> row(96);
  for (std::int64_t o = 0; o < 64; ++o) {
    linear.row(o, row.data());
    for (std::int64_t i = 0; i < 96; ++i)
      REQUIRE(static_cast<double>(row[static_cast<std::size_t>(i)]) ==
              Approx(world.weight(o, i)).margin(1e-6));
  }
}

TEST_CASE("an input that is not finite shows in its product", "[kernels][q8]") {
  const Linear linear(floats_between(64 * 64, 8, -1, 1), 64, 64, {}, Compute::q8);
  std::vector<float> x(64, 1.0F);
  x[40] = std::nanf("");
  std::vector<float> y(64);
  linear.apply(x.data(), 1, y.data());
  for (const float value : y)
    CHECK(std::isnan(value));
}
