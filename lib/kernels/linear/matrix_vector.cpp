#include "kernels/linear/matrix_vector.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>

// Sums stay in registers only if the function that adds to them is inlined.
#ifndef TT_INLINE
#define TT_INLINE __attribute__((always_inline))
#endif

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/matrix_vector.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 8 lanes: the 64 columns of a panel then give at least eight sums, enough to hide the latency of
// multiply-adds. Reading memory is the bottleneck in any case.
using Floats = hn::CappedTag<float, 8>;
using Words = hn::RebindToUnsigned<Floats>;
using Vec = hn::Vec<Floats>;
constexpr std::size_t kWidth = static_cast<std::size_t>(kPanelWidth);

// Up to eight sums of one vector each, which stay in registers over all rows.
struct Sums {
  Vec s0, s1, s2, s3, s4, s5, s6, s7;
};

HWY_INLINE Sums NoSums() {
  const Vec zero = hn::Zero(Floats());
  return {zero, zero, zero, zero, zero, zero, zero, zero};
}

// s0 = add(s0, 0), s1 = add(s1, 1), ... for the first kCount sums. Written out, because an array of sums
// would go through memory.
template <int kCount, class Add>
HWY_INLINE void ForEachSum(Sums& s, const Add& add) {
  s.s0 = add(s.s0, 0);
  if constexpr (kCount > 1) s.s1 = add(s.s1, 1);
  if constexpr (kCount > 2) {
    s.s2 = add(s.s2, 2);
    s.s3 = add(s.s3, 3);
  }
  if constexpr (kCount > 4) {
    s.s4 = add(s.s4, 4);
    s.s5 = add(s.s5, 5);
    s.s6 = add(s.s6, 6);
    s.s7 = add(s.s7, 7);
  }
}

template <int kCount>
HWY_INLINE void StoreSums(Sums& s, float* y) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  ForEachSum<kCount>(s, [&](Vec sum, std::size_t i) HWY_ATTR {
    hn::StoreU(sum, d, y + i * lanes);
    return sum;
  });
}

// Calls add(line) for all lines, taking them in turn from each quarter of a panel. Reading four streams at
// once is a fifth faster than reading one, and faster than any prefetching by instruction.
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

template <int kCount>
HWY_INLINE void Columns(const float* x, const float* panel, std::size_t rows, std::size_t first, float* y) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  Sums s = NoSums();
  InFourStreams(rows, [&](std::size_t i) HWY_ATTR {
    const float* w = panel + i * kWidth + first;
    const Vec v = hn::Set(d, x[i]);
    ForEachSum<kCount>(s, [&](Vec sum, std::size_t c)
                              HWY_ATTR TT_INLINE { return hn::MulAdd(v, hn::LoadU(d, w + c * lanes), sum); });
  });
  StoreSums<kCount>(s, y + first);
}

// Handles as many columns at once as eight vectors hold, then four, two and one.
template <class Eight, class Four, class Two, class One>
HWY_INLINE void InVectors(PanelColumns columns, const Eight& eight, const Four& four, const Two& two,
                          const One& one) {
  const std::size_t lanes = hn::Lanes(Floats());
  std::size_t at = static_cast<std::size_t>(columns.first);
  const std::size_t end = at + static_cast<std::size_t>(columns.count);
  for (; at + 8 * lanes <= end; at += 8 * lanes)
    eight(at);
  for (; at + 4 * lanes <= end; at += 4 * lanes)
    four(at);
  for (; at + 2 * lanes <= end; at += 2 * lanes)
    two(at);
  for (; at < end; at += lanes)
    one(at);
}

void PanelTimesVector(const float* x, const float* panel, std::int64_t rows, float* y, PanelColumns columns) {
  const auto n = static_cast<std::size_t>(rows);
  InVectors(
      columns, [&](std::size_t first) HWY_ATTR { Columns<8>(x, panel, n, first, y); },
      [&](std::size_t first) HWY_ATTR { Columns<4>(x, panel, n, first, y); },
      [&](std::size_t first) HWY_ATTR { Columns<2>(x, panel, n, first, y); },
      [&](std::size_t first) HWY_ATTR { Columns<1>(x, panel, n, first, y); });
}

// Adds the products of a pair of rows: the even row is in the low half of each word, the odd row in the high
// half.
HWY_INLINE Vec AddPair(Vec even, Vec odd, const std::uint32_t* pair, Vec sum) {
  const Floats d;
  const Words du;
  const auto words = hn::LoadU(du, pair);
  const Vec low = hn::BitCast(d, hn::ShiftLeft<16>(words));
  const Vec high = hn::BitCast(d, hn::And(words, hn::Set(du, 0xFFFF0000U)));
  return hn::MulAdd(odd, high, hn::MulAdd(even, low, sum));
}

template <int kCount>
HWY_INLINE void ColumnsBf16(const float* x, const std::uint32_t* panel, std::size_t rows, std::size_t first,
                            float* y) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  Sums s = NoSums();
  InFourStreams(rows / 2, [&](std::size_t i) HWY_ATTR {
    const std::uint32_t* w = panel + i * kWidth + first;
    const Vec even = hn::Set(d, x[2 * i]);
    const Vec odd = hn::Set(d, x[2 * i + 1]);
    ForEachSum<kCount>(
        s, [&](Vec sum, std::size_t c) HWY_ATTR TT_INLINE { return AddPair(even, odd, w + c * lanes, sum); });
  });
  StoreSums<kCount>(s, y + first);
}

void PanelTimesVectorBf16(const float* x, const std::uint32_t* panel, std::int64_t rows, float* y,
                          PanelColumns columns) {
  const auto n = static_cast<std::size_t>(rows);
  InVectors(
      columns, [&](std::size_t first) HWY_ATTR { ColumnsBf16<8>(x, panel, n, first, y); },
      [&](std::size_t first) HWY_ATTR { ColumnsBf16<4>(x, panel, n, first, y); },
      [&](std::size_t first) HWY_ATTR { ColumnsBf16<2>(x, panel, n, first, y); },
      [&](std::size_t first) HWY_ATTR { ColumnsBf16<1>(x, panel, n, first, y); });
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

void panel_times_vector(const float* x, const float* panel, std::int64_t rows, float* y,
                        PanelColumns columns) {
  assert(columns.first % 16 == 0 && columns.count % 16 == 0);
  HWY_DYNAMIC_DISPATCH(PanelTimesVector)(x, panel, rows, y, columns);
}

void panel_times_vector_bf16(const float* x, const std::uint32_t* panel, std::int64_t rows, float* y,
                             PanelColumns columns) {
  assert(rows % 2 == 0 && columns.first % 16 == 0 && columns.count % 16 == 0);
  HWY_DYNAMIC_DISPATCH(PanelTimesVectorBf16)(x, panel, rows, y, columns);
}

void widen_panel_bf16(const std::uint32_t* panel, std::int64_t rows, float* wide) {
  assert(rows % 2 == 0);
  HWY_DYNAMIC_DISPATCH(WidenPanelBf16)(panel, rows, wide);
}

}  // namespace toptheta
#endif  // HWY_ONCE
