#include "kernels/linear/coded_panel.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "kernels/rows/int8_row.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/coded_panel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;
using Words = hn::RebindToUnsigned<Floats>;
using Vec = hn::Vec<Floats>;

// A vector of columns (output features) in a group.
struct Columns {
  const float* scales;
  const float* offsets;
  const std::uint32_t* quads;  // four codes each; those of the next four inputs are kPanelWidth further

  Columns(const std::byte* group, std::int64_t first)
      : scales(reinterpret_cast<const float*>(group) + first),
        offsets(scales + kPanelWidth),
        quads(reinterpret_cast<const std::uint32_t*>(group) + 2 * kPanelWidth + first) {}
};

// Code number kAt of each quad, as a float.
template <int kAt>
HWY_INLINE Vec CodesAt(hn::Vec<Words> quads) {
  const Floats d;
  const hn::RebindToSigned<Floats> words;
  const auto code = hn::And(hn::ShiftRight<8 * kAt>(quads), hn::Set(Words(), 0xFFU));
  return hn::ConvertTo(d, hn::BitCast(words, code));
}

// Calls use(group, first column, columns) for all columns of all groups, a vector at a time.
template <class Use>
HWY_INLINE void ForColumns(const CodedPanel& panel, const Use& use) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(Floats()));
  const std::int64_t bytes = coded_group_bytes(panel.group);
  for (std::int64_t g = 0; g < panel.in / panel.group; ++g)
    for (std::int64_t first = 0; first < kPanelWidth; first += lanes)
      use(g, first, Columns(panel.data + g * bytes, first));
}

// Sums of 32 products of such codes stay below 2^24, so floats hold them exactly.
void TimesVector(const CodedPanel& panel, const CodedVector& x, float* y) {
  const Floats d;
  std::fill_n(y, kPanelWidth, 0.0F);
  ForColumns(panel, [&](std::int64_t g, std::int64_t first, const Columns& columns) HWY_ATTR {
    Vec dot = hn::Zero(d);
    const std::int8_t* codes = x.codes.data() + g * panel.group;
    for (std::int64_t q = 0; q < panel.group / 4; ++q, codes += 4) {
      const auto quads = hn::LoadU(Words(), columns.quads + q * kPanelWidth);
      dot = hn::MulAdd(CodesAt<0>(quads), hn::Set(d, static_cast<float>(codes[0])), dot);
      dot = hn::MulAdd(CodesAt<1>(quads), hn::Set(d, static_cast<float>(codes[1])), dot);
      dot = hn::MulAdd(CodesAt<2>(quads), hn::Set(d, static_cast<float>(codes[2])), dot);
      dot = hn::MulAdd(CodesAt<3>(quads), hn::Set(d, static_cast<float>(codes[3])), dot);
    }
    const Vec offset =
        hn::Mul(hn::LoadU(d, columns.offsets), hn::Set(d, x.sums[static_cast<std::size_t>(g)]));
    const Vec sum = hn::MulAdd(dot, hn::LoadU(d, columns.scales), offset);
    const auto scale = hn::Set(d, x.scales[static_cast<std::size_t>(g * panel.group / kCodeBlock)]);
    hn::StoreU(hn::MulAdd(sum, scale, hn::LoadU(d, y + first)), d, y + first);
  });
}

void WidenPanel(const CodedPanel& panel, float* wide) {
  const Floats d;
  ForColumns(panel, [&](std::int64_t g, std::int64_t first, const Columns& columns) HWY_ATTR {
    const Vec scale = hn::LoadU(d, columns.scales);
    const Vec offset = hn::LoadU(d, columns.offsets);
    float* to = wide + g * panel.group * kPanelWidth + first;
    for (std::int64_t q = 0; q < panel.group / 4; ++q, to += 4 * kPanelWidth) {
      const auto quads = hn::LoadU(Words(), columns.quads + q * kPanelWidth);
      hn::StoreU(hn::MulAdd(CodesAt<0>(quads), scale, offset), d, to);
      hn::StoreU(hn::MulAdd(CodesAt<1>(quads), scale, offset), d, to + kPanelWidth);
      hn::StoreU(hn::MulAdd(CodesAt<2>(quads), scale, offset), d, to + 2 * kPanelWidth);
      hn::StoreU(hn::MulAdd(CodesAt<3>(quads), scale, offset), d, to + 3 * kPanelWidth);
    }
  });
}

// Rounds finite numbers to the nearest bfloat16, ties to even, in the upper half of each word.
HWY_INLINE hn::Vec<Words> Rounded(Vec x) {
  const Words du;
  const auto bits = hn::BitCast(du, x);
  const auto even = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1U));
  return hn::Add(bits, hn::Add(even, hn::Set(du, 0x7FFFU)));
}

HWY_INLINE void StorePair(Vec even, Vec odd, std::uint32_t* to) {
  const Words du;
  const auto low = hn::ShiftRight<16>(Rounded(even));
  const auto high = hn::And(Rounded(odd), hn::Set(du, 0xFFFF0000U));
  hn::StoreU(hn::Or(low, high), du, to);
}

void WidenPanelBf16(const CodedPanel& panel, std::uint32_t* pairs) {
  const Floats d;
  ForColumns(panel, [&](std::int64_t g, std::int64_t first, const Columns& columns) HWY_ATTR {
    const Vec scale = hn::LoadU(d, columns.scales);
    const Vec offset = hn::LoadU(d, columns.offsets);
    std::uint32_t* to = pairs + g * panel.group / 2 * kPanelWidth + first;
    for (std::int64_t q = 0; q < panel.group / 4; ++q, to += 2 * kPanelWidth) {
      const auto quads = hn::LoadU(Words(), columns.quads + q * kPanelWidth);
      StorePair(hn::MulAdd(CodesAt<0>(quads), scale, offset), hn::MulAdd(CodesAt<1>(quads), scale, offset),
                to);
      StorePair(hn::MulAdd(CodesAt<2>(quads), scale, offset), hn::MulAdd(CodesAt<3>(quads), scale, offset),
                to + kPanelWidth);
    }
  });
}

// Widens the vector of columns that contains the row, and takes one lane of it.
void UnpackRow(const CodedPanel& panel, std::int64_t row, float* weights) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t first = row / lanes * lanes;
  HWY_ALIGN float wide[16];
  const auto put = [&](Vec values) HWY_ATTR {
    hn::Store(values, d, wide);
    *weights++ = wide[row - first];
  };
  for (std::int64_t g = 0; g < panel.in / panel.group; ++g) {
    const Columns columns(panel.data + g * coded_group_bytes(panel.group), first);
    const Vec scale = hn::LoadU(d, columns.scales);
    const Vec offset = hn::LoadU(d, columns.offsets);
    for (std::int64_t q = 0; q < panel.group / 4; ++q) {
      const auto quads = hn::LoadU(Words(), columns.quads + q * kPanelWidth);
      put(hn::MulAdd(CodesAt<0>(quads), scale, offset));
      put(hn::MulAdd(CodesAt<1>(quads), scale, offset));
      put(hn::MulAdd(CodesAt<2>(quads), scale, offset));
      put(hn::MulAdd(CodesAt<3>(quads), scale, offset));
    }
  }
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(TimesVector);
HWY_EXPORT(WidenPanel);
HWY_EXPORT(WidenPanelBf16);
HWY_EXPORT(UnpackRow);

void code_rows(const float* weights, std::int64_t rows, std::int64_t in, const CodedRows& to) {
  constexpr int kZero = 128;
  std::int8_t codes[kCodeBlock];
  const std::int64_t groups = rows * in / to.group;
  for (std::int64_t g = 0; g < groups; ++g) {
    to.scales[g] = int8_from_floats(weights + g * to.group, to.group, codes);
    to.offsets[g] = -static_cast<float>(kZero) * to.scales[g];
    for (std::int64_t i = 0; i < to.group; ++i)
      to.codes[g * to.group + i] = static_cast<std::uint8_t>(kZero + codes[i]);
  }
}

void pack_coded(const CodedRows& rows, std::int64_t count, std::int64_t in, std::byte* data) {
  assert(count <= kPanelWidth && in % kCodeBlock == 0);
  const std::int64_t groups = in / rows.group;
  for (std::int64_t g = 0; g < groups; ++g, data += coded_group_bytes(rows.group)) {
    auto* const scales = reinterpret_cast<float*>(data);
    std::byte* const codes = data + 2 * kPanelWidth * sizeof(float);
    for (std::int64_t c = 0; c < count; ++c) {
      scales[c] = rows.scales[c * groups + g];
      scales[kPanelWidth + c] = rows.offsets[c * groups + g];
      const std::uint8_t* const from = rows.codes + c * in + g * rows.group;
      for (std::int64_t q = 0; q < rows.group / 4; ++q)
        std::memcpy(codes + (q * kPanelWidth + c) * 4, from + 4 * q, 4);
    }
  }
}

void unpack_coded(const CodedPanel& panel, std::int64_t row, float* weights) {
  HWY_DYNAMIC_DISPATCH(UnpackRow)(panel, row, weights);
}

void code_vector(const float* x, std::int64_t count, std::int64_t in, std::int64_t group,
                 CodedVector& coded) {
  coded.codes.assign(static_cast<std::size_t>(in), 0);
  coded.scales.resize(static_cast<std::size_t>(in / kCodeBlock));
  coded.sums.resize(static_cast<std::size_t>(in / group));
  for (std::int64_t first = 0; first < in; first += kCodeBlock) {
    const std::int64_t here = std::clamp<std::int64_t>(count - first, 0, kCodeBlock);
    coded.scales[static_cast<std::size_t>(first / kCodeBlock)] =
        int8_from_floats(x + first, here, coded.codes.data() + first);
  }
  for (std::int64_t g = 0; g < in / group; ++g) {
    int sum = 0;
    for (std::int64_t i = 0; i < group; ++i)
      sum += coded.codes[static_cast<std::size_t>(g * group + i)];
    coded.sums[static_cast<std::size_t>(g)] = static_cast<float>(sum);
  }
}

void coded_panel_times_vector(const CodedPanel& panel, const CodedVector& x, float* y) {
  HWY_DYNAMIC_DISPATCH(TimesVector)(panel, x, y);
}

void widen_coded_panel(const CodedPanel& panel, float* wide) {
  HWY_DYNAMIC_DISPATCH(WidenPanel)(panel, wide);
}

void widen_coded_panel_bf16(const CodedPanel& panel, std::uint32_t* pairs) {
  HWY_DYNAMIC_DISPATCH(WidenPanelBf16)(panel, pairs);
}

}  // namespace toptheta
#endif  // HWY_ONCE
