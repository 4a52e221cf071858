// Converts rows of any element type that a dump may hold to floats and finds their range in the same pass,
// while the values are in the first-level cache.
//
// The values are those of kernels/rows/convert.hpp, bit for bit, except for the payloads of NaNs. Any length
// and alignment; `from` and `to` must have equal length and must not overlap.
#pragma once
#include <cstdint>
#include <span>

#include "core/rows.hpp"

namespace toptheta {

// Each returns the row_range() of `to`. Time: one pass, at the speed of memory.
RowRange widen_f16(std::span<const std::uint16_t> from, std::span<float> to);
RowRange widen_bf16(std::span<const std::uint16_t> from, std::span<float> to);
RowRange widen_f64(std::span<const double> from, std::span<float> to);
RowRange copy_f32(std::span<const float> from, std::span<float> to);

// The range of two parts of a row together.
inline RowRange both(const RowRange& a, const RowRange& b) {
  return {a.smallest < b.smallest ? a.smallest : b.smallest, a.largest > b.largest ? a.largest : b.largest,
          a.finite && b.finite};
}

}  // namespace toptheta
