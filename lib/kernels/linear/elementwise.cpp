#include "kernels/linear/elementwise.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/elementwise.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes, so that tails fit a small buffer on every instruction set.
constexpr std::size_t kMaxLanes = 16;
using Floats = hn::CappedTag<float, kMaxLanes>;
using Vec = hn::Vec<Floats>;

float SumOfSquares(std::span<const float> x) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  // Four sums, so that the additions of one need not wait for those of another.
  Vec sum[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  std::size_t i = 0;
  for (; i + 4 * lanes <= x.size(); i += 4 * lanes) {
    for (std::size_t s = 0; s < 4; ++s) {
      const Vec v = hn::LoadU(d, x.data() + i + s * lanes);
      sum[s] = hn::MulAdd(v, v, sum[s]);
    }
  }
  float total = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3]))));
  for (; i < x.size(); ++i)
    total += x[i] * x[i];
  return total;
}

float RmsNorm(std::span<const float> x, std::span<const float> weight, float eps, std::span<float> out) {
  const float squares = SumOfSquares(x);
  const float scale = 1.0F / std::sqrt(squares / static_cast<float>(x.size()) + eps);
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Vec factor = hn::Set(d, scale);
  std::size_t i = 0;
  for (; i + lanes <= x.size(); i += lanes) {
    const Vec scaled = hn::Mul(hn::LoadU(d, x.data() + i), factor);
    hn::StoreU(hn::Mul(scaled, hn::LoadU(d, weight.data() + i)), d, out.data() + i);
  }
  for (; i < x.size(); ++i)
    out[i] = x[i] * scale * weight[i];
  return squares;
}

float LayerNorm(std::span<const float> x, std::span<const float> weight, std::span<const float> bias,
                float eps, std::span<float> out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const auto size = static_cast<float>(x.size());
  const auto sum_of = [&](const auto& term, const auto& one) {
    Vec sum = hn::Zero(d);
    std::size_t i = 0;
    for (; i + lanes <= x.size(); i += lanes)
      sum = hn::Add(sum, term(hn::LoadU(d, x.data() + i)));
    float total = hn::GetLane(hn::SumOfLanes(d, sum));
    for (; i < x.size(); ++i)
      total += one(x[i]);
    return total;
  };
  const float mean = sum_of([](Vec v) { return v; }, [](float v) { return v; }) / size;
  const Vec means = hn::Set(d, mean);
  const float squares = sum_of(
      [&](Vec v) {
        const Vec off = hn::Sub(v, means);
        return hn::Mul(off, off);
      },
      [&](float v) { return (v - mean) * (v - mean); });
  const float scale = 1.0F / std::sqrt(squares / size + eps);
  for (std::size_t i = 0; i < x.size(); ++i)
    out[i] = (x[i] - mean) * scale * weight[i] + (bias.empty() ? 0.0F : bias[i]);
  return squares;
}

float LargestMagnitude(std::span<const float> x) {
  // As integers, the bits without the sign are in the order of the magnitudes, with infinity and NaN last.
  const Floats d;
  const hn::RebindToSigned<Floats> whole;
  const std::size_t lanes = hn::Lanes(d);
  auto largest = hn::Zero(whole);
  std::size_t i = 0;
  for (; i + lanes <= x.size(); i += lanes)
    largest = hn::Max(largest, hn::BitCast(whole, hn::Abs(hn::LoadU(d, x.data() + i))));
  std::int32_t most = hn::GetLane(hn::MaxOfLanes(whole, largest));
  for (; i < x.size(); ++i)
    most = std::max(most, static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffU));
  return std::bit_cast<float>(most);
}

void RotateHalves(std::span<const float> x, std::span<const float> cos, std::span<const float> sin,
                  std::span<float> out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t half = cos.size();
  std::size_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    const Vec a = hn::LoadU(d, x.data() + i);
    const Vec b = hn::LoadU(d, x.data() + half + i);
    const Vec c = hn::LoadU(d, cos.data() + i);
    const Vec s = hn::LoadU(d, sin.data() + i);
    hn::StoreU(hn::Sub(hn::Mul(a, c), hn::Mul(b, s)), d, out.data() + i);
    hn::StoreU(hn::Add(hn::Mul(b, c), hn::Mul(a, s)), d, out.data() + half + i);
  }
  for (; i < half; ++i) {
    const float a = x[i];
    const float b = x[half + i];
    out[i] = a * cos[i] - b * sin[i];
    out[half + i] = b * cos[i] + a * sin[i];
  }
}

HWY_INLINE Vec SiluTimes(Vec gate, Vec up) {
  const Floats d;
  // Highway's Exp is specified up to 104, where e^x is already infinite.
  const Vec e = hn::Exp(d, hn::Min(hn::Neg(gate), hn::Set(d, 104.0F)));
  return hn::Mul(hn::Div(gate, hn::Add(hn::Set(d, 1.0F), e)), up);
}

void SiluMultiply(std::span<const float> gate, std::span<const float> up, std::span<float> out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= gate.size(); i += lanes)
    hn::StoreU(SiluTimes(hn::LoadU(d, gate.data() + i), hn::LoadU(d, up.data() + i)), d, out.data() + i);
  if (i == gate.size()) return;
  HWY_ALIGN float gate_tail[kMaxLanes] = {};
  HWY_ALIGN float up_tail[kMaxLanes] = {};
  for (std::size_t j = i; j < gate.size(); ++j) {
    gate_tail[j - i] = gate[j];
    up_tail[j - i] = up[j];
  }
  hn::Store(SiluTimes(hn::Load(d, gate_tail), hn::Load(d, up_tail)), d, gate_tail);
  for (std::size_t j = i; j < gate.size(); ++j)
    out[j] = gate_tail[j - i];
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(RmsNorm);
HWY_EXPORT(LayerNorm);
HWY_EXPORT(LargestMagnitude);
HWY_EXPORT(RotateHalves);
HWY_EXPORT(SiluMultiply);

float rms_norm(std::span<const float> x, std::span<const float> weight, float eps, std::span<float> out) {
  assert(!x.empty() && x.size() == weight.size() && x.size() == out.size());
  return HWY_DYNAMIC_DISPATCH(RmsNorm)(x, weight, eps, out);
}

float layer_norm(std::span<const float> x, std::span<const float> weight, std::span<const float> bias,
                 float eps, std::span<float> out) {
  assert(!x.empty() && x.size() == weight.size() && x.size() == out.size());
  assert(bias.empty() || bias.size() == x.size());
  return HWY_DYNAMIC_DISPATCH(LayerNorm)(x, weight, bias, eps, out);
}

float largest_magnitude(std::span<const float> x) {
  return HWY_DYNAMIC_DISPATCH(LargestMagnitude)(x);
}

void rotate_halves(std::span<const float> x, std::span<const float> cos, std::span<const float> sin,
                   std::span<float> out) {
  assert(x.size() == 2 * cos.size() && cos.size() == sin.size() && x.size() == out.size());
  HWY_DYNAMIC_DISPATCH(RotateHalves)(x, cos, sin, out);
}

void silu_multiply(std::span<const float> gate, std::span<const float> up, std::span<float> out) {
  assert(gate.size() == up.size() && gate.size() == out.size());
  HWY_DYNAMIC_DISPATCH(SiluMultiply)(gate, up, out);
}

}  // namespace toptheta
#endif
