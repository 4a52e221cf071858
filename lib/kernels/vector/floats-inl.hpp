// The vector types of the attention kernels, included in each kernel file once per instruction set.
#if defined(TOPTHETA_KERNELS_FLOATS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_FLOATS_INL_HPP
#undef TOPTHETA_KERNELS_FLOATS_INL_HPP
#else
#define TOPTHETA_KERNELS_FLOATS_INL_HPP
#endif

#include <hwy/highway.h>

#include <type_traits>

#include "kernels/vector/key_block.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A vector is at most one key block, so that a block is a whole number of vectors on every instruction set.
using Floats = hn::CappedTag<float, kKeyBlock>;
using Vec = hn::Vec<Floats>;
inline constexpr std::int64_t kLanes = HWY_MIN(HWY_LANES(float), kKeyBlock);
inline constexpr int kBlockVectors = static_cast<int>(kKeyBlock / kLanes);

// The register block: as many rows times key blocks as have their sums in registers, beside the operands.
#if HWY_TARGET <= HWY_AVX3
inline constexpr int kSumRegisters = 16;  // of 32; 8 x 32 keys
inline constexpr int kScoreRows = 8;
#elif HWY_TARGET <= HWY_AVX2
inline constexpr int kSumRegisters = 12;  // of 16; 6 x 16 keys
inline constexpr int kScoreRows = 6;
#elif HWY_TARGET <= HWY_SSSE3
inline constexpr int kSumRegisters = 12;  // of 16; 3 x 16 keys
inline constexpr int kScoreRows = 3;
#else
inline constexpr int kSumRegisters = 24;  // of 32; 6 x 16 keys
inline constexpr int kScoreRows = 6;
#endif

// Keeps the compiler from deriving one pointer from another. It would otherwise keep one pointer per row,
// more than there are registers.
HWY_INLINE void Forget(const float*& pointer) {
  asm("" : "+r"(pointer));  // NOLINT(hicpp-no-assembler)
}

template <class M>
HWY_INLINE std::uint32_t MaskBits(M mask) {
  // The type has exactly the size that StoreMaskBits writes, so that the load does not wait for several
  // stores.
  std::conditional_t<(kLanes > 8), std::uint16_t, std::uint8_t> bits = 0;
  hn::StoreMaskBits(Floats(), mask, reinterpret_cast<std::uint8_t*>(&bits));
  return bits;
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
