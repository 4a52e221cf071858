// What keys and values are cached in, and the way there and back.
#pragma once
#include <cstdint>
#include <span>

#include "core/names.hpp"

namespace toptheta {

enum class KvType {
  f32,
  f16,
  bf16,
  int8  // a row of head_dim integers from -127 to 127, and a scale
};

template <>
inline constexpr auto kNames<KvType> = std::to_array<Named<KvType>>(
    {{KvType::f32, "f32"}, {KvType::f16, "f16"}, {KvType::bf16, "bf16"}, {KvType::int8, "int8"}});

constexpr bool is_half(KvType type) {
  return type == KvType::f16 || type == KvType::bf16;
}
// Of one key or value of a head, without its scale.
constexpr std::int64_t row_bytes(KvType type, std::int64_t head_dim) {
  return (type == KvType::f32 ? 4 : is_half(type) ? 2 : 1) * head_dim;
}
// With it.
constexpr std::int64_t stored_bytes(KvType type, std::int64_t head_dim) {
  return row_bytes(type, head_dim) + (type == KvType::int8 ? 4 : 0);
}

// `type` is one of the two halves. Rounds to nearest even; f16 overflows to infinity beyond 65504.
void narrow(KvType type, const float* from, std::int64_t count, std::uint16_t* to);
// Exact.
void widen(KvType type, const std::uint16_t* from, std::int64_t count, float* to);

// Rounds rows of head_dim values as a cache of that type does.
void round_rows(KvType type, std::int64_t head_dim, std::span<float> values);

// Values as a cache holds them in fewer bits, [positions][head_dim].
struct NarrowRows {
  KvType type = KvType::f16;      // not f32
  const void* rows = nullptr;     // of 16 or 8 bits
  const float* scales = nullptr;  // int8: [positions]
  float* wide = nullptr;          // scratch, where the reader asks for it

  [[nodiscard]] const char* row(std::int64_t position, std::int64_t head_dim) const {
    return static_cast<const char*>(rows) + position * row_bytes(type, head_dim);
  }
};
// Positions first ... first + count - 1 as floats, [count][head_dim].
void widen_rows(const NarrowRows& rows, std::int64_t head_dim, std::int64_t first, std::int64_t count,
                float* to);

}  // namespace toptheta
