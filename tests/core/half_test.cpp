#include "core/half.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("every half comes back from float unchanged", "[half]") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = float_from_f16(half);
    if (std::isnan(value)) {
      REQUIRE(std::isnan(float_from_f16(f16_from_float(value))));
    } else {
      REQUIRE(f16_from_float(value) == half);
    }
    const float brain = float_from_bf16(half);
    if (!std::isnan(brain)) REQUIRE(bf16_from_float(brain) == half);
  }
}

TEST_CASE("known halves", "[half]") {
  CHECK(float_from_f16(0x3C00) == 1.0F);
  CHECK(float_from_f16(0xC000) == -2.0F);
  CHECK(float_from_f16(0x7BFF) == 65504.0F);
  CHECK(float_from_f16(0x0001) == std::ldexp(1.0F, -24));
  CHECK(std::isinf(float_from_f16(0x7C00)));
  CHECK(std::signbit(float_from_f16(0x8000)));
}

TEST_CASE("rounding to half is to nearest, ties to even, and overflows to infinity", "[half]") {
  CHECK(f16_from_float(1.0F + 0x1p-11F) == 0x3C00);             // tie, down to even
  CHECK(f16_from_float(1.0F + 3 * 0x1p-11F) == 0x3C02);         // tie, up to even
  CHECK(f16_from_float(1.0F + 0x1p-11F + 0x1p-20F) == 0x3C01);  // above the tie
  CHECK(f16_from_float(65519.0F) == 0x7BFF);
  CHECK(f16_from_float(65520.0F) == 0x7C00);
  CHECK(f16_from_float(0x1p-25F) == 0);  // tie with zero
  CHECK(f16_from_float(0x1.8p-25F) == 1);
  CHECK(f16_from_float(-std::numeric_limits<float>::infinity()) == 0xFC00);
}

TEST_CASE("rounding to bfloat16 is to nearest, ties to even, and keeps NaN", "[half]") {
  CHECK(bf16_from_float(1.0F + 0x1p-8F) == 0x3F80);
  CHECK(bf16_from_float(1.0F + 3 * 0x1p-8F) == 0x3F82);
  CHECK(std::isnan(float_from_bf16(bf16_from_float(std::numeric_limits<float>::quiet_NaN()))));
  CHECK(std::isinf(float_from_bf16(bf16_from_float(std::numeric_limits<float>::max()))));
}
