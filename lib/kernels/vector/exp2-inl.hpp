// e^x for the attention kernels, included in each kernel file. Highway includes it once per instruction set,
// hence the unusual include guard.
#if defined(TOPTHETA_KERNELS_EXP2_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_EXP2_INL_HPP
#undef TOPTHETA_KERNELS_EXP2_INL_HPP
#else
#define TOPTHETA_KERNELS_EXP2_INL_HPP
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

inline constexpr float kLog2E = 1.44269504088896341F;

// e^(x - shift) for x up to 80 above shift; `shift_log2` is shift * kLog2E. The relative error is below 2^-22
// plus that of the rounded shift * kLog2E, which is the same for all terms with one shift. The result never
// falls below 2^-126; such a weight cannot be told from 0 beside the largest, which is 1.
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> ExpBelow(D d, hwy::HWY_NAMESPACE::Vec<D> x,
                                               hwy::HWY_NAMESPACE::Vec<D> shift_log2) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToSigned<D> di;
  const auto t = hn::Max(hn::MulSub(x, hn::Set(d, kLog2E), shift_log2), hn::Set(d, -126.0F));
  // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
  const auto magic = hn::Set(d, 12582912.0F);
  const auto shifted = hn::Add(t, magic);
  const auto f = hn::Sub(t, hn::Sub(shifted, magic));
  // 2^f on [-1/2, 1/2]; coefficients of Cephes' exp2f.
  auto p = hn::MulAdd(hn::Set(d, 1.535336188319500e-4F), f, hn::Set(d, 1.339887440266574e-3F));
  p = hn::MulAdd(p, f, hn::Set(d, 9.618437357674640e-3F));
  p = hn::MulAdd(p, f, hn::Set(d, 5.550332471162809e-2F));
  p = hn::MulAdd(p, f, hn::Set(d, 2.402264791363012e-1F));
  p = hn::MulAdd(p, f, hn::Set(d, 6.931472028550421e-1F));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0F));
  return hn::BitCast(d, hn::Add(hn::BitCast(di, p), hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
