// Internal to the kernels: float16 to float, on every instruction set.
#if defined(TOPTHETA_KERNELS_HALF_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_HALF_INL
#undef TOPTHETA_KERNELS_HALF_INL
#else
#define TOPTHETA_KERNELS_HALF_INL
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Uses integer operations instead of the processor's own conversion, which turns signalling NaNs into quiet
// ones and which older instruction sets lack.
HWY_INLINE hn::Vec<hn::ScalableTag<float>> FloatFromF16(hn::Vec<hn::ScalableTag<std::uint32_t>> bits) {
  const hn::ScalableTag<float> df;
  const hn::ScalableTag<std::uint32_t> du;
  const auto magnitude = hn::And(bits, hn::Set(du, 0x7FFFU));
  const auto sign = hn::ShiftLeft<16>(hn::AndNot(hn::Set(du, 0x7FFFU), bits));
  const auto shifted = hn::ShiftLeft<13>(magnitude);
  const auto normal = hn::Add(shifted, hn::Set(du, (127U - 15U) << 23));
  const auto special = hn::Or(shifted, hn::Set(du, 0x7F800000U));  // infinity, NaN
  // Zero and subnormals: mantissa * 2^-24, exact.
  const hn::ScalableTag<std::int32_t> di;
  const auto small =
      hn::BitCast(du, hn::Mul(hn::ConvertTo(df, hn::BitCast(di, magnitude)), hn::Set(df, 0x1p-24F)));
  // Comparisons of signed numbers, because every instruction set has those.
  const auto size = hn::BitCast(di, magnitude);
  const auto is_special = hn::RebindMask(du, hn::Gt(size, hn::Set(di, 0x7BFF)));
  const auto is_small = hn::RebindMask(du, hn::Lt(size, hn::Set(di, 0x0400)));
  auto result = hn::IfThenElse(is_special, special, normal);
  result = hn::IfThenElse(is_small, small, result);
  return hn::BitCast(df, hn::Or(result, sign));
}

// Loads one vector of float16 as float, exactly. Where the processor can convert, this uses its instruction,
// which takes a sixth of the time but makes NaNs quiet. Where Highway 1.0.3 only emulates that instruction,
// infinities would be lost, so integer operations are used.
HWY_INLINE hn::Vec<hn::ScalableTag<float>> LoadF16(const std::uint16_t* from) {
  const hn::ScalableTag<float> df;
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2 && !defined(HWY_DISABLE_F16C)) || HWY_TARGET == HWY_NEON
  const hn::Rebind<hwy::float16_t, decltype(df)> halves;
  // To the compiler, float16_t is only 16 bits.
  return hn::PromoteTo(df, hn::LoadU(halves, reinterpret_cast<const hwy::float16_t*>(from)));
#else
  const hn::ScalableTag<std::uint32_t> du;
  const hn::Rebind<std::uint16_t, decltype(df)> halves;
  return FloatFromF16(hn::PromoteTo(du, hn::LoadU(halves, from)));
#endif
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
