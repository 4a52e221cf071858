// The formats in which keys and values are cached, and conversions to and from them.
#pragma once
#include <cstdint>
#include <span>

#include "core/names.hpp"

namespace toptheta {

enum class KvType {
  f32,
  f16,
  bf16,
  int8  // head_dim integers from -127 to 127 and one scale for each key or value
};

template <>
inline constexpr auto kNames<KvType> = std::to_array<Named<KvType>>(
    {{KvType::f32, "f32"}, {KvType::f16, "f16"}, {KvType::bf16, "bf16"}, {KvType::int8, "int8"}});

constexpr bool is_half(KvType type) {
  return type == KvType::f16 || type == KvType::bf16;
}
// The bytes of one key or value of a head, without its scale.
constexpr std::int64_t row_bytes(KvType type, std::int64_t head_dim) {
  return (type == KvType::f32 ? 4 : is_half(type) ? 2 : 1) * head_dim;
}
// The same with the scale.
constexpr std::int64_t stored_bytes(KvType type, std::int64_t head_dim) {
  return row_bytes(type, head_dim) + (type == KvType::int8 ? 4 : 0);
}

// Converts to `type`, which must be f16 or bf16. Rounds to nearest, ties to even; in f16 what is too large
// becomes infinity.
void narrow(KvType type, const float* from, std::int64_t count, std::uint16_t* to);
// The reverse; exact.
void widen(KvType type, const std::uint16_t* from, std::int64_t count, float* to);

// Rounds each row of head_dim values as a cache of this type does.
void round_rows(KvType type, std::int64_t head_dim, std::span<float> values);

// Values that a cache stores in 16 or 8 bits, [positions][head_dim].
struct NarrowRows {
  KvType type = KvType::f16;      // not f32
  const void* rows = nullptr;     // elements of 16 or 8 bits
  const float* scales = nullptr;  // int8: [positions]
  float* wide = nullptr;          // working memory for widened rows, where the reader needs it

  [[nodiscard]] const char* row(std::int64_t position, std::int64_t head_dim) const {
    return static_cast<const char*>(rows) + position * row_bytes(type, head_dim);
  }
};
// Converts positions first ... first + count - 1 to floats, [count][head_dim].
void widen_rows(const NarrowRows& rows, std::int64_t head_dim, std::int64_t first, std::int64_t count,
                float* to);

}  // namespace toptheta
