#include "kernels/linear/activation.hpp"

#include <cassert>
#include <cmath>
#include <cstddef>

#include "kernels/linear/elementwise.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/activation.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes, so that tails fit a small buffer on every instruction set.
constexpr std::size_t kMaxActivationLanes = 16;
using ActivationTag = hn::CappedTag<float, kMaxActivationLanes>;
using ActivationVec = hn::Vec<ActivationTag>;

// out[i] = f(x[i], up[i]), where up[i] is 1 if `up` is empty.
template <class Function>
HWY_INLINE void Map(std::span<const float> x, std::span<const float> up, std::span<float> out,
                    const Function& f) {
  const ActivationTag d;
  const std::size_t lanes = hn::Lanes(d);
  const ActivationVec one = hn::Set(d, 1.0F);
  std::size_t i = 0;
  for (; i + lanes <= x.size(); i += lanes)
    hn::StoreU(f(hn::LoadU(d, x.data() + i), up.empty() ? one : hn::LoadU(d, up.data() + i)), d,
               out.data() + i);
  if (i == x.size()) return;
  HWY_ALIGN float x_tail[kMaxActivationLanes] = {};
  HWY_ALIGN float up_tail[kMaxActivationLanes] = {};
  for (std::size_t j = i; j < x.size(); ++j) {
    x_tail[j - i] = x[j];
    up_tail[j - i] = up.empty() ? 1.0F : up[j];
  }
  hn::Store(f(hn::Load(d, x_tail), hn::Load(d, up_tail)), d, x_tail);
  for (std::size_t j = i; j < x.size(); ++j)
    out[j] = x_tail[j - i];
}

// 1 / (1 + e^-x) times y
HWY_INLINE ActivationVec SigmoidTimes(ActivationVec x, ActivationVec y) {
  const ActivationTag d;
  // Highway's Exp is specified up to 104, where e^x is already infinite.
  const ActivationVec e = hn::Exp(d, hn::Min(hn::Neg(x), hn::Set(d, 104.0F)));
  return hn::Div(y, hn::Add(hn::Set(d, 1.0F), e));
}

void GeluTanh(std::span<const float> x, std::span<const float> up, std::span<float> out) {
  const ActivationTag d;
  // (1 + tanh(u)) / 2 is the sigmoid of 2 u.
  const ActivationVec outer = hn::Set(d, 1.5957691216057308F);  // 2 sqrt(2 / pi)
  const ActivationVec inner = hn::Set(d, 0.044715F);
  Map(x, up, out, [&](ActivationVec v, ActivationVec u) {
    const ActivationVec cube = hn::Mul(hn::Mul(v, v), v);
    return hn::Mul(SigmoidTimes(hn::Mul(outer, hn::MulAdd(inner, cube, v)), v), u);
  });
}

void Silu(std::span<const float> x, std::span<const float> up, std::span<float> out) {
  Map(x, up, out, [](ActivationVec v, ActivationVec u) { return hn::Mul(SigmoidTimes(v, v), u); });
}

void Relu(std::span<const float> x, std::span<const float> up, std::span<float> out) {
  const ActivationVec zero = hn::Zero(ActivationTag());
  Map(x, up, out, [&](ActivationVec v, ActivationVec u) { return hn::Mul(hn::Max(v, zero), u); });
}

void ReluSquared(std::span<const float> x, std::span<const float> up, std::span<float> out) {
  const ActivationVec zero = hn::Zero(ActivationTag());
  Map(x, up, out, [&](ActivationVec v, ActivationVec u) {
    const ActivationVec positive = hn::Max(v, zero);
    return hn::Mul(hn::Mul(positive, positive), u);
  });
}

void ClampedSwish(std::span<const float> gate, std::span<const float> up, std::span<float> out, float alpha,
                  float limit) {
  const ActivationTag d;
  const ActivationVec most = hn::Set(d, limit);
  const ActivationVec least = hn::Set(d, -limit);
  const ActivationVec steep = hn::Set(d, alpha);
  const ActivationVec one = hn::Set(d, 1.0F);
  Map(gate, up, out, [&](ActivationVec v, ActivationVec u) {
    const ActivationVec g = hn::Min(v, most);
    const ActivationVec linear = hn::Add(hn::Max(hn::Min(u, most), least), one);
    return hn::Mul(SigmoidTimes(hn::Mul(steep, g), g), linear);
  });
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(GeluTanh);
HWY_EXPORT(Silu);
HWY_EXPORT(Relu);
HWY_EXPORT(ReluSquared);
HWY_EXPORT(ClampedSwish);

namespace {

// Uses the standard library's erf, because Highway has none.
void gelu_erf(std::span<const float> x, std::span<const float> up, std::span<float> out) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float v = x[i];
    out[i] = 0.5F * v * (1 + std::erf(v * 0.70710678118654752F)) * (up.empty() ? 1 : up[i]);
  }
}

void apply_activation(const ActivationKind& kind, std::span<const float> x, std::span<const float> up,
                      std::span<float> out) {
  switch (kind.activation) {
    case Activation::silu:
      return HWY_DYNAMIC_DISPATCH(Silu)(x, up, out);
    case Activation::gelu_tanh:
      return HWY_DYNAMIC_DISPATCH(GeluTanh)(x, up, out);
    case Activation::gelu_erf:
      return gelu_erf(x, up, out);
    case Activation::relu:
      return HWY_DYNAMIC_DISPATCH(Relu)(x, up, out);
    case Activation::relu_squared:
      return HWY_DYNAMIC_DISPATCH(ReluSquared)(x, up, out);
    case Activation::clamped_swish:
      return HWY_DYNAMIC_DISPATCH(ClampedSwish)(x, up, out, kind.alpha, kind.limit);
  }
}

}  // namespace

void activate(const ActivationKind& kind, std::span<const float> x, std::span<float> out) {
  assert(x.size() == out.size() && kind.activation != Activation::clamped_swish);
  apply_activation(kind, x, {}, out);
}

void activate_gated(const ActivationKind& kind, std::span<const float> gate, std::span<const float> up,
                    std::span<float> out) {
  assert(gate.size() == up.size() && gate.size() == out.size());
  if (kind.activation == Activation::silu) return silu_multiply(gate, up, out);
  apply_activation(kind, gate, up, out);
}

}  // namespace toptheta
#endif
