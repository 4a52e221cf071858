// Bulk conversions to and from float, with the widest SIMD instructions of the machine.
//
// Same result, bit for bit, as core/half.hpp and static_cast<float> on every machine; any length, any
// alignment. `from` and `to` must be of equal length and must not overlap.
#pragma once
#include <cstdint>
#include <span>

namespace toptheta {

// IEEE binary16 bit patterns. Exact; NaN payloads are kept.
void floats_from_f16(std::span<const std::uint16_t> from, std::span<float> to);

// bfloat16 bit patterns. Exact.
void floats_from_bf16(std::span<const std::uint16_t> from, std::span<float> to);

// Rounds to nearest even; a NaN stays a NaN.
void bf16_from_floats(std::span<const float> from, std::span<std::uint16_t> to);

// Rounds to nearest even; values beyond the range of float become infinite.
void floats_from_f64(std::span<const double> from, std::span<float> to);

}  // namespace toptheta
