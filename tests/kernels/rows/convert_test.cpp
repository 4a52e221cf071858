#include "kernels/rows/convert.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/half.hpp"
#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

namespace toptheta {
namespace {

std::vector<std::uint16_t> all_halves() {
  std::vector<std::uint16_t> halves(65536);
  std::iota(halves.begin(), halves.end(), std::uint16_t{0});
  return halves;
}

// Positions where the bit patterns differ.
std::int64_t differences(std::span<const float> a, std::span<const float> b) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    count += std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i]) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("floats round to bfloat16 as core/half.hpp does, at any length") {
  Random random(5);
  std::vector<float> values;
  // Any bits: ordinary numbers, subnormals, NaNs; and ties to both sides, where rounding overflows too.
  for (int i = 0; i < 5003; ++i)
    values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random.bits())));
  for (std::uint32_t upper = 0; upper < 0x10000; upper += 7)
    for (const std::uint32_t lower : {0x7FFFU, 0x8000U, 0x8001U})
      values.push_back(std::bit_cast<float>((upper << 16) | lower));
  std::vector<std::uint16_t> expected;
  for (const float value : values)
    expected.push_back(bf16_from_float(value));
  testing::at_every_instruction_set([&] {
    std::vector<std::uint16_t> converted(values.size());
    bf16_from_floats(values, converted);
    CHECK(converted == expected);
  });
}

TEST_CASE("every half and every bfloat16 converts as core/half.hpp does") {
  const std::vector<std::uint16_t> halves = all_halves();
  std::vector<float> expected_f16;
  std::vector<float> expected_bf16;
  for (const std::uint16_t bits : halves) {
    expected_f16.push_back(float_from_f16(bits));
    expected_bf16.push_back(float_from_bf16(bits));
  }
  testing::at_every_instruction_set([&] {
    std::vector<float> converted(halves.size());
    floats_from_f16(halves, converted);
    CHECK(differences(converted, expected_f16) == 0);
    floats_from_bf16(halves, converted);
    CHECK(differences(converted, expected_bf16) == 0);
  });
}

TEST_CASE("doubles convert as static_cast does") {
  using Limits = std::numeric_limits<double>;
  std::vector<double> values = {0.0,
                                -0.0,
                                1.0,
                                1.0 / 3,
                                1e-46,
                                7e-46,
                                1e-40,
                                1e300,
                                -1e300,
                                0x1p128,
                                0x1.fffffefffffffp127,
                                0x1.fffffffp127,
                                Limits::infinity(),
                                -Limits::infinity(),
                                Limits::denorm_min()};
  Random random(1);
  while (values.size() < 1000)
    values.push_back(std::ldexp(random.uniform() - 0.5, static_cast<int>(random.below(260)) - 130));
  std::vector<float> expected;
  for (const double value : values)
    expected.push_back(static_cast<float>(value));
  testing::at_every_instruction_set([&] {
    std::vector<float> converted(values.size());
    floats_from_f64(values, converted);
    CHECK(differences(converted, expected) == 0);
    const std::vector<double> nans(9, Limits::quiet_NaN());
    std::vector<float> converted_nans(nans.size());
    floats_from_f64(nans, converted_nans);
    for (const float value : converted_nans)
      CHECK(std::isnan(value));
  });
}

TEST_CASE("any length and alignment, and nothing is written past the end") {
  const std::vector<std::uint16_t> halves = all_halves();
  for (std::size_t offset = 0; offset < 3; ++offset) {
    for (std::size_t count = 0; count < 40; ++count) {
      const std::span<const std::uint16_t> from(halves.data() + 15000 + offset, count);
      std::vector<double> doubles(count + offset, 0.1);
      std::vector<float> f16(count + offset + 1, -7);
      std::vector<float> bf16 = f16;
      std::vector<float> f64 = f16;
      floats_from_f16(from, std::span(f16).subspan(offset, count));
      floats_from_bf16(from, std::span(bf16).subspan(offset, count));
      floats_from_f64(std::span<const double>(doubles).subspan(offset),
                      std::span(f64).subspan(offset, count));
      bool right = f16.back() == -7 && bf16.back() == -7 && f64.back() == -7;
      for (std::size_t i = 0; i < count; ++i) {
        right = right && f16[offset + i] == float_from_f16(from[i]) &&
                bf16[offset + i] == float_from_bf16(from[i]) && f64[offset + i] == 0.1F;
      }
      INFO("offset " << offset << ", count " << count);
      CHECK(right);
    }
  }
}

}  // namespace toptheta
