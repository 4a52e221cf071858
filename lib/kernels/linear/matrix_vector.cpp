#include "kernels/linear/matrix_vector.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/matrix_vector.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 8 lanes: a panel's 64 columns are then eight sums or more, enough to hide the latency of
// multiply-adds, and reading memory is the limit anyway.
using Floats = hn::CappedTag<float, 8>;
using Words = hn::RebindToUnsigned<Floats>;
using Vec = hn::Vec<Floats>;
constexpr std::size_t kWidth = static_cast<std::size_t>(kPanelWidth);

// Eight sums of one vector each, kept in registers over all rows.
struct Sums {
  Vec s0, s1, s2, s3, s4, s5, s6, s7;
};

HWY_INLINE Sums NoSums() {
  const Vec zero = hn::Zero(Floats());
  return {zero, zero, zero, zero, zero, zero, zero, zero};
}

HWY_INLINE void StoreSums(const Sums& s, float* y) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  hn::StoreU(s.s0, d, y);
  hn::StoreU(s.s1, d, y + lanes);
  hn::StoreU(s.s2, d, y + 2 * lanes);
  hn::StoreU(s.s3, d, y + 3 * lanes);
  hn::StoreU(s.s4, d, y + 4 * lanes);
  hn::StoreU(s.s5, d, y + 5 * lanes);
  hn::StoreU(s.s6, d, y + 6 * lanes);
  hn::StoreU(s.s7, d, y + 7 * lanes);
}

// add(line) for all lines, in turn from each quarter of a panel: four streams at once are read a fifth faster
// than one, and faster than with anything fetched ahead by instruction.
template <class Add>
HWY_INLINE void InFourStreams(std::size_t lines, const Add& add) {
  const std::size_t quarter = lines / 4;
  for (std::size_t i = 0; i < quarter; ++i) {
    add(i);
    add(quarter + i);
    add(2 * quarter + i);
    add(3 * quarter + i);
  }
  for (std::size_t i = 4 * quarter; i < lines; ++i)
    add(i);
}

void PanelTimesVector(const float* x, const float* panel, std::int64_t rows, float* y) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t first = 0; first < kWidth; first += 8 * lanes) {
    Sums s = NoSums();
    InFourStreams(static_cast<std::size_t>(rows), [&](std::size_t i) HWY_ATTR {
      const float* w = panel + i * kWidth + first;
      const Vec v = hn::Set(d, x[i]);
      s.s0 = hn::MulAdd(v, hn::LoadU(d, w), s.s0);
      s.s1 = hn::MulAdd(v, hn::LoadU(d, w + lanes), s.s1);
      s.s2 = hn::MulAdd(v, hn::LoadU(d, w + 2 * lanes), s.s2);
      s.s3 = hn::MulAdd(v, hn::LoadU(d, w + 3 * lanes), s.s3);
      s.s4 = hn::MulAdd(v, hn::LoadU(d, w + 4 * lanes), s.s4);
      s.s5 = hn::MulAdd(v, hn::LoadU(d, w + 5 * lanes), s.s5);
      s.s6 = hn::MulAdd(v, hn::LoadU(d, w + 6 * lanes), s.s6);
      s.s7 = hn::MulAdd(v, hn::LoadU(d, w + 7 * lanes), s.s7);
    });
    StoreSums(s, y + first);
  }
}

// The products of a pair of rows: the even row in the low half of each word, the odd row in the high half.
HWY_INLINE Vec AddPair(Vec even, Vec odd, const std::uint32_t* pair, Vec sum) {
  const Floats d;
  const Words du;
  const auto words = hn::LoadU(du, pair);
  const Vec low = hn::BitCast(d, hn::ShiftLeft<16>(words));
  const Vec high = hn::BitCast(d, hn::And(words, hn::Set(du, 0xFFFF0000U)));
  return hn::MulAdd(odd, high, hn::MulAdd(even, low, sum));
}

void PanelTimesVectorBf16(const float* x, const std::uint32_t* panel, std::int64_t rows, float* y) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t first = 0; first < kWidth; first += 8 * lanes) {
    Sums s = NoSums();
    InFourStreams(static_cast<std::size_t>(rows) / 2, [&](std::size_t i) HWY_ATTR {
      const std::uint32_t* w = panel + i * kWidth + first;
      const Vec even = hn::Set(d, x[2 * i]);
      const Vec odd = hn::Set(d, x[2 * i + 1]);
      s.s0 = AddPair(even, odd, w, s.s0);
      s.s1 = AddPair(even, odd, w + lanes, s.s1);
      s.s2 = AddPair(even, odd, w + 2 * lanes, s.s2);
      s.s3 = AddPair(even, odd, w + 3 * lanes, s.s3);
      s.s4 = AddPair(even, odd, w + 4 * lanes, s.s4);
      s.s5 = AddPair(even, odd, w + 5 * lanes, s.s5);
      s.s6 = AddPair(even, odd, w + 6 * lanes, s.s6);
      s.s7 = AddPair(even, odd, w + 7 * lanes, s.s7);
    });
    StoreSums(s, y + first);
  }
}

void WidenPanelBf16(const std::uint32_t* panel, std::int64_t rows, float* wide) {
  const Floats d;
  const Words du;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < static_cast<std::size_t>(rows); i += 2)
    for (std::size_t c = 0; c < kWidth; c += lanes) {
      const auto words = hn::LoadU(du, panel + i / 2 * kWidth + c);
      hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(words)), d, wide + i * kWidth + c);
      hn::StoreU(hn::BitCast(d, hn::And(words, hn::Set(du, 0xFFFF0000U))), d, wide + (i + 1) * kWidth + c);
    }
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(PanelTimesVector);
HWY_EXPORT(PanelTimesVectorBf16);
HWY_EXPORT(WidenPanelBf16);

void panel_times_vector(const float* x, const float* panel, std::int64_t rows, float* y) {
  HWY_DYNAMIC_DISPATCH(PanelTimesVector)(x, panel, rows, y);
}

void panel_times_vector_bf16(const float* x, const std::uint32_t* panel, std::int64_t rows, float* y) {
  assert(rows % 2 == 0);
  HWY_DYNAMIC_DISPATCH(PanelTimesVectorBf16)(x, panel, rows, y);
}

void widen_panel_bf16(const std::uint32_t* panel, std::int64_t rows, float* wide) {
  assert(rows % 2 == 0);
  HWY_DYNAMIC_DISPATCH(WidenPanelBf16)(panel, rows, wide);
}

}  // namespace toptheta
#endif  // HWY_ONCE
