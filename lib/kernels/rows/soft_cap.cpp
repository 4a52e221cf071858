#include "kernels/rows/soft_cap.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rows/soft_cap.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes, so that tails fit a small buffer on every instruction set.
constexpr std::size_t kMostLanes = 16;
using Tag = hn::CappedTag<float, kMostLanes>;
using Vec = hn::Vec<Tag>;

void SoftCap(std::span<float> x, float cap) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  const Vec high = hn::Set(d, cap);
  const Vec inverse = hn::Set(d, static_cast<float>(1 / static_cast<double>(cap)));
  const auto capped = [&](Vec s) HWY_ATTR { return hn::Mul(high, hn::Tanh(d, hn::Mul(s, inverse))); };
  std::size_t j = 0;
  for (; j + lanes <= x.size(); j += lanes)
    hn::StoreU(capped(hn::LoadU(d, x.data() + j)), d, x.data() + j);
  if (j == x.size()) return;
  HWY_ALIGN float tail[kMostLanes] = {};
  std::copy(x.begin() + static_cast<std::ptrdiff_t>(j), x.end(), tail);
  hn::Store(capped(hn::Load(d, tail)), d, tail);
  std::copy_n(tail, x.size() - j, x.begin() + static_cast<std::ptrdiff_t>(j));
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(SoftCap);

void soft_cap(std::span<float> x, float cap) {
  HWY_DYNAMIC_DISPATCH(SoftCap)(x, cap);
}

float before_soft_cap(float theta, float cap) {
  constexpr double kSlack = 0x1p-20;  // more than the rounding of soft_cap, in units of the cap
  const double part = static_cast<double>(theta) / static_cast<double>(cap) - kSlack;
  if (part >= 1) return std::numeric_limits<float>::infinity();
  if (!(part > -1)) return -std::numeric_limits<float>::infinity();
  const auto bound = static_cast<float>(static_cast<double>(cap) * std::atanh(part));
  return std::nextafter(bound, -std::numeric_limits<float>::infinity());
}

}  // namespace toptheta
#endif
