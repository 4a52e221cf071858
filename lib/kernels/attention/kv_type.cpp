#include "kernels/attention/kv_type.hpp"

#include <vector>

#include "core/half.hpp"
#include "kernels/rows/convert.hpp"
#include "kernels/rows/int8_row.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/kv_type.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "kernels/vector/half-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Faster than kernels/rows/convert.hpp, which preserves even signalling NaNs; keys and values have none.
void WidenF16(const std::uint16_t* from, std::int64_t count, float* to) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(LoadF16(from + i), d, to + i);
  for (; i < count; ++i)
    to[i] = float_from_f16(from[i]);
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(WidenF16);

void narrow(KvType type, const float* from, std::int64_t count, std::uint16_t* to) {
  const auto size = static_cast<std::size_t>(count);
  if (type == KvType::bf16) return bf16_from_floats({from, size}, {to, size});
  for (std::int64_t i = 0; i < count; ++i)
    to[i] = f16_from_float(from[i]);
}

void widen(KvType type, const std::uint16_t* from, std::int64_t count, float* to) {
  const auto size = static_cast<std::size_t>(count);
  if (type == KvType::bf16) return floats_from_bf16({from, size}, {to, size});
  HWY_DYNAMIC_DISPATCH(WidenF16)(from, count, to);
}

void round_rows(KvType type, std::int64_t head_dim, std::span<float> values) {
  if (type == KvType::f32) return;
  std::vector<std::uint16_t> halves(static_cast<std::size_t>(head_dim));
  std::vector<std::int8_t> codes(halves.size());
  for (float* row = values.data(); row != values.data() + values.size(); row += head_dim) {
    if (type == KvType::int8) {
      const float scale = int8_from_floats(row, head_dim, codes.data());
      floats_from_int8(codes.data(), scale, head_dim, row);
    } else {
      narrow(type, row, head_dim, halves.data());
      widen(type, halves.data(), head_dim, row);
    }
  }
}

void widen_rows(const NarrowRows& rows, std::int64_t head_dim, std::int64_t first, std::int64_t count,
                float* to) {
  const char* const from = rows.row(first, head_dim);
  if (rows.type != KvType::int8)
    return widen(rows.type, reinterpret_cast<const std::uint16_t*>(from), count * head_dim, to);
  for (std::int64_t r = 0; r < count; ++r)
    floats_from_int8(reinterpret_cast<const std::int8_t*>(from) + r * head_dim, rows.scales[first + r],
                     head_dim, to + r * head_dim);
}

}  // namespace toptheta
#endif  // HWY_ONCE
