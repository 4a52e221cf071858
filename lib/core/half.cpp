#include "core/half.hpp"

#include <cmath>

namespace toptheta {

namespace {
constexpr std::uint32_t kF16ExponentBias = 15;
constexpr std::uint32_t kF32ExponentBias = 127;
}  // namespace

float float_from_f16(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000U} << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  const std::uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24, exact in float
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | (mantissa << 13));
  return std::bit_cast<float>(sign | ((exponent + kF32ExponentBias - kF16ExponentBias) << 23) |
                              (mantissa << 13));
}

std::uint16_t f16_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7E00U);
  if (magnitude >= 65520.0F) return static_cast<std::uint16_t>(sign | 0x7C00U);  // halfway to 2^16 rounds up
  if (magnitude < 0x1p-14F) {  // subnormal half: count units of 2^-24; nearbyint rounds to even
    const auto units = static_cast<std::uint32_t>(std::nearbyint(magnitude * 0x1p24F));
    return static_cast<std::uint16_t>(sign | units);
  }
  std::uint32_t rounded = (bits & 0x7FFFFFFFU) + 0xFFFU + ((bits >> 13) & 1U);
  rounded -= (kF32ExponentBias - kF16ExponentBias) << 23;
  return static_cast<std::uint16_t>(sign | (rounded >> 13));
}

std::uint16_t bf16_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

}  // namespace toptheta
