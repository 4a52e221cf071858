// Internal to kernels/rows/select.cpp: moves the values of a row that lie in a range together. Compiled once
// per instruction set.
#ifndef TOPTHETA_KERNELS_COMPACT_ONCE
#define TOPTHETA_KERNELS_COMPACT_ONCE
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>

namespace toptheta::selection {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
// Arrays in SelectScratch are padded with -infinity to a multiple of this many floats, which is at most four
// vectors.
inline constexpr std::size_t kFill = 64;

// For every set of eight lanes, the numbers of the lanes in the set.
struct LanesOf {
  std::array<std::array<std::uint8_t, 8>, 256> places{};
};
constexpr LanesOf lanes_of() {
  LanesOf table;
  for (std::size_t bits = 0; bits < 256; ++bits) {
    std::size_t count = 0;
    for (std::uint8_t lane = 0; lane < 8; ++lane)
      if ((bits >> lane & 1U) != 0) table.places[bits][count++] = lane;
  }
  return table;
}
inline constexpr LanesOf kLanesOf = lanes_of();

}  // namespace toptheta::selection
#endif  // TOPTHETA_KERNELS_COMPACT_ONCE

#if defined(TOPTHETA_KERNELS_COMPACT_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_COMPACT_INL_HPP
#undef TOPTHETA_KERNELS_COMPACT_INL_HPP
#else
#define TOPTHETA_KERNELS_COMPACT_INL_HPP
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace selection;

// At most 16 lanes, so that kFill is a multiple of four vectors on every instruction set.
using Floats = hn::CappedTag<float, kFill / 4>;
using Vec = hn::Vec<Floats>;

// Pads values[count ...] to a multiple of kFill, at least one, and returns the padded size.
HWY_INLINE std::size_t FillUp(float* values, std::size_t count) {
  const std::size_t size = std::max<std::size_t>((count + kFill - 1) / kFill, 1) * kFill;
  std::fill(values + count, values + size, -kInfinity);
  return size;
}

#if HWY_TARGET > HWY_AVX3
// Moves the lanes whose bits are set to the front. Highway's own Compress is also a table look-up, but in
// Highway 1.0.3 its table is a local array, which gcc copies to the stack for every vector.
HWY_INLINE Vec ToFront(Vec v, std::size_t bits) {
  const Floats d;
  const hn::Rebind<std::uint8_t, Floats> bytes;
  const hn::RebindToUnsigned<Floats> words;
  const auto places = hn::PromoteTo(words, hn::LoadU(bytes, kLanesOf.places[bits].data()));
  return hn::TableLookupLanes(v, hn::IndicesFromVec(d, places));
}
HWY_INLINE std::size_t Bits(hn::Mask<Floats> mask) {
  std::uint8_t bits[8] = {};
  hn::StoreMaskBits(Floats(), mask, bits);
  return bits[0];
}
// Appends the chosen lanes at out[count], overwriting a whole vector there; returns the new count.
HWY_INLINE std::size_t Append(Vec v, hn::Mask<Floats> chosen, float* out, std::size_t count) {
  const std::size_t bits = Bits(chosen);
  hn::StoreU(ToFront(v, bits), Floats(), out + count);
  return count + static_cast<std::size_t>(std::popcount(bits));
}
#else
// Not CompressStore, because a masked store is many times slower than storing a vector on some processors.
HWY_INLINE std::size_t Append(Vec v, hn::Mask<Floats> chosen, float* out, std::size_t count) {
  hn::StoreU(hn::Compress(v, chosen), Floats(), out + count);
  return count + hn::CountTrue(Floats(), chosen);
}
#endif

// Copies the values in [low, high] in order and pads them; returns the padded size. `out` may be `values`,
// and needs room for one vector more than the values that are copied.
HWY_INLINE std::size_t Compact(const float* values, std::size_t size, float low, float high, float* out) {
  const Floats d;
  const Vec lowest = hn::Set(d, low);
  const Vec highest = hn::Set(d, high);
  std::size_t count = 0;
  for (std::size_t j = 0; j < size; j += hn::Lanes(d)) {
    const Vec v = hn::LoadU(d, values + j);
    count = Append(v, hn::And(hn::Ge(v, lowest), hn::Le(v, highest)), out, count);
  }
  return FillUp(out, count);
}

// Copies the values that are at least `low`, in order; returns their number. `out` needs room for 16 floats
// more than the row has.
#if HWY_TARGET > HWY_AVX3
inline HWY_NOINLINE std::size_t CompactAtLeast(std::span<const float> row, float low, float* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Vec lowest = hn::Set(d, low);
  constexpr std::size_t kWord = 64;  // values at a time, one bit for each
  constexpr std::size_t kAtOnce = 8;
  std::size_t count = 0;
  std::size_t j = 0;
  for (; j + kWord <= row.size(); j += kWord) {
    const float* from = row.data() + j;
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < kWord; i += lanes)
      word |= std::uint64_t{Bits(hn::Ge(hn::LoadU(d, from + i), lowest))} << i;
    const auto found = static_cast<std::size_t>(std::popcount(word));
    // Copies kAtOnce values at a time, whether or not there are so many: a branch for each value would be
    // mispredicted too often.
    for (std::size_t done = 0; done < found; done += kAtOnce)
      for (std::size_t i = 0; i < kAtOnce; ++i) {
        out[count + done + i] = from[std::countr_zero(word | std::uint64_t{1} << (kWord - 1))];
        word &= word - 1;
      }
    count += found;
  }
  for (; j < row.size(); ++j) {
    out[count] = row[j];
    count += row[j] >= low ? 1 : 0;
  }
  return count;
}
#else
inline HWY_NOINLINE std::size_t CompactAtLeast(std::span<const float> row, float low, float* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Vec lowest = hn::Set(d, low);
  std::size_t count = 0;
  std::size_t j = 0;
  for (; j + 4 * lanes <= row.size(); j += 4 * lanes) {
    const Vec a = hn::LoadU(d, row.data() + j);
    const Vec b = hn::LoadU(d, row.data() + j + lanes);
    const Vec c = hn::LoadU(d, row.data() + j + 2 * lanes);
    const Vec e = hn::LoadU(d, row.data() + j + 3 * lanes);
    const Vec largest = hn::Max(hn::Max(a, b), hn::Max(c, e));
    if (hn::AllFalse(d, hn::Ge(largest, lowest))) continue;
    count = Append(a, hn::Ge(a, lowest), out, count);
    count = Append(b, hn::Ge(b, lowest), out, count);
    count = Append(c, hn::Ge(c, lowest), out, count);
    count = Append(e, hn::Ge(e, lowest), out, count);
  }
  for (; j < row.size(); ++j) {
    out[count] = row[j];
    count += row[j] >= low ? 1 : 0;
  }
  return count;
}
#endif

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
