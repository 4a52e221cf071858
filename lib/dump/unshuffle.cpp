#include "dump/unshuffle.hpp"

#include <cassert>
#include <cstdint>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dump/unshuffle.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::ScalableTag<std::uint8_t>;

// The vectorised part; returns how many elements it has done.
std::size_t Interleave(const std::uint8_t* from, std::size_t count, std::size_t width, std::uint8_t* to) {
  const Bytes d;
  const std::size_t lanes = hn::Lanes(d);
  const auto plane = [&](std::size_t byte, std::size_t i)
                         HWY_ATTR { return hn::LoadU(d, from + byte * count + i); };
  std::size_t i = 0;
  if (width == 2)
    for (; i + lanes <= count; i += lanes)
      hn::StoreInterleaved2(plane(0, i), plane(1, i), d, to + 2 * i);
  if (width == 4)
    for (; i + lanes <= count; i += lanes)
      hn::StoreInterleaved4(plane(0, i), plane(1, i), plane(2, i), plane(3, i), d, to + 4 * i);
  return i;
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(Interleave);

void unshuffle(std::span<const std::byte> from, std::size_t width, std::span<std::byte> to) {
  assert(width > 0 && from.size() == to.size() && from.size() % width == 0);
  const std::size_t count = from.size() / width;
  const auto* in = reinterpret_cast<const std::uint8_t*>(from.data());
  auto* out = reinterpret_cast<std::uint8_t*>(to.data());
  for (std::size_t i = HWY_DYNAMIC_DISPATCH(Interleave)(in, count, width, out); i < count; ++i)
    for (std::size_t byte = 0; byte < width; ++byte)
      out[i * width + byte] = in[byte * count + i];
}

}  // namespace toptheta
#endif  // HWY_ONCE
