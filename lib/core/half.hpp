// The two 16-bit floating-point formats as bit patterns. kernels/rows/convert.hpp converts whole rows with
// SIMD.
#pragma once
#include <bit>
#include <cstdint>

namespace toptheta {

// IEEE 754 binary16 to float, exactly: every half, subnormals, infinities and NaNs included, has a float.
float float_from_f16(std::uint16_t bits);
// Rounds to nearest, ties to even. What is too large becomes infinity; a NaN stays a NaN.
std::uint16_t f16_from_float(float value);

// Exact: a bfloat16 is the upper half of a float.
inline float float_from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}
// Rounds to nearest, ties to even. A NaN stays a NaN.
std::uint16_t bf16_from_float(float value);

}  // namespace toptheta
