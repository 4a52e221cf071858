// The two 16-bit floating-point formats as bit patterns. Bulk conversions with SIMD are in
// kernels/convert.hpp.
#pragma once
#include <bit>
#include <cstdint>

namespace toptheta {

// IEEE 754 binary16: exact (every half, subnormal, infinity and NaN has a float).
float float_from_f16(std::uint16_t bits);
// Round to nearest even; overflow becomes infinity; a NaN stays a NaN.
std::uint16_t f16_from_float(float value);

// bfloat16 is the upper half of a float.
inline float float_from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}
// Round to nearest even; a NaN stays a NaN.
std::uint16_t bf16_from_float(float value);

}  // namespace toptheta
