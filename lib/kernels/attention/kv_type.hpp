// What keys and values are cached in, and the way there and back.
#pragma once
#include <cstdint>

#include "core/names.hpp"

namespace toptheta {

enum class KvType { f32, f16, bf16 };

template <>
inline constexpr auto kNames<KvType> =
    std::to_array<Named<KvType>>({{KvType::f32, "f32"}, {KvType::f16, "f16"}, {KvType::bf16, "bf16"}});

constexpr std::int64_t bytes_of(KvType type) {
  return type == KvType::f32 ? 4 : 2;
}

// `type` is one of the two halves. Rounds to nearest even; f16 overflows to infinity beyond 65504.
void narrow(KvType type, const float* from, std::int64_t count, std::uint16_t* to);
// Exact.
void widen(KvType type, const std::uint16_t* from, std::int64_t count, float* to);

}  // namespace toptheta
