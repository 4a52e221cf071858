#include "kernels/attention/narrow_keys.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/narrow_keys.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "kernels/vector/floats-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

// Loads kLanes pairs of bfloat16 as words, the first of each pair in the lower half.
HWY_INLINE hn::Vec<hn::RebindToUnsigned<Floats>> LoadPairs(const std::uint16_t* pairs) {
  const hn::RebindToUnsigned<Floats> words;
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(words, pairs[0] | std::uint32_t{pairs[1]} << 16);
#else
  return hn::BitCast(words, hn::LoadU(hn::Repartition<std::uint16_t, hn::RebindToUnsigned<Floats>>(), pairs));
#endif
}

// pairs: [count][kKeyBlock][2]; to: [count][2][kKeyBlock].
void WidenPairs(const std::uint16_t* pairs, std::int64_t count, float* to) {
  const Floats d;
  const auto upper = hn::Set(hn::RebindToUnsigned<Floats>(), 0xFFFF0000U);
  for (std::int64_t i = 0; i < count; ++i, pairs += 2 * kKeyBlock, to += 2 * kKeyBlock)
    for (int v = 0; v < kBlockVectors; ++v) {
      const auto both = LoadPairs(pairs + v * kLanes * 2);
      hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(both)), d, to + v * kLanes);
      hn::StoreU(hn::BitCast(d, hn::And(both, upper)), d, to + kKeyBlock + v * kLanes);
    }
}

// codes: [blocks][head_dim][kKeyBlock]; scales: [blocks][kKeyBlock].
void WidenInt8Keys(const std::int8_t* codes, const float* scales, std::int64_t blocks, std::int64_t head_dim,
                   float* to) {
  const Floats d;
  const hn::Rebind<std::int8_t, Floats> bytes;
  const hn::Rebind<std::int32_t, Floats> words;
  for (std::int64_t b = 0; b < blocks; ++b, scales += kKeyBlock)
    for (int v = 0; v < kBlockVectors; ++v) {
      const auto scale = hn::LoadU(d, scales + v * kLanes);
      const std::int64_t begin = b * head_dim * kKeyBlock + v * kLanes;
      for (std::int64_t i = begin; i < begin + head_dim * kKeyBlock; i += kKeyBlock)
        hn::StoreU(hn::Mul(hn::ConvertTo(d, hn::PromoteTo(words, hn::LoadU(bytes, codes + i))), scale), d,
                   to + i);
    }
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(WidenPairs);
HWY_EXPORT(WidenInt8Keys);

namespace {
bool paired(KvType type, std::int64_t head_dim) {
  return type == KvType::bf16 && head_dim % 2 == 0;
}
}  // namespace

void pack_half_keys(KvType type, const std::uint16_t* keys, std::int64_t rows, std::int64_t stride,
                    std::int64_t head_dim, std::int64_t first_position, std::uint16_t* packed) {
  const std::int64_t together = paired(type, head_dim) ? 2 : 1;
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t position = first_position + r;
    std::uint16_t* const column =
        packed + position / kKeyBlock * kKeyBlock * head_dim + position % kKeyBlock * together;
    for (std::int64_t i = 0; i < head_dim; ++i)
      column[i / together * together * kKeyBlock + i % together] = keys[r * stride + i];
  }
}

void pack_int8_key(const std::int8_t* key, std::int64_t head_dim, std::int64_t position,
                   std::int8_t* packed) {
  std::int8_t* const column = packed + position / kKeyBlock * kKeyBlock * head_dim + position % kKeyBlock;
  for (std::int64_t i = 0; i < head_dim; ++i)
    column[i * kKeyBlock] = key[i];
}

void widen_keys(const NarrowKeys& keys, std::int64_t blocks, std::int64_t head_dim, float* to) {
  if (keys.type == KvType::int8)
    return HWY_DYNAMIC_DISPATCH(WidenInt8Keys)(static_cast<const std::int8_t*>(keys.packed), keys.scales,
                                               blocks, head_dim, to);
  if (!paired(keys.type, head_dim)) return widen(keys.type, keys.halves(), blocks * kKeyBlock * head_dim, to);
  HWY_DYNAMIC_DISPATCH(WidenPairs)(keys.halves(), blocks * head_dim / 2, to);
}

}  // namespace toptheta
#endif  // HWY_ONCE
