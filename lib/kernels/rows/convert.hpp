// Conversions of whole arrays to and from float, with the widest SIMD instructions of the machine.
//
// The results are the same, bit for bit, as those of core/half.hpp and static_cast<float> on every machine.
// Any length and alignment; `from` and `to` must have equal length and must not overlap.
#pragma once
#include <cstdint>
#include <span>

namespace toptheta {

// IEEE binary16 bit patterns. Exact; NaN payloads are kept.
void floats_from_f16(std::span<const std::uint16_t> from, std::span<float> to);

// bfloat16 bit patterns. Exact.
void floats_from_bf16(std::span<const std::uint16_t> from, std::span<float> to);

// Rounds to nearest, ties to even. A NaN stays a NaN.
void bf16_from_floats(std::span<const float> from, std::span<std::uint16_t> to);

// Rounds to nearest, ties to even. Values beyond the range of float become infinite.
void floats_from_f64(std::span<const double> from, std::span<float> to);

}  // namespace toptheta
