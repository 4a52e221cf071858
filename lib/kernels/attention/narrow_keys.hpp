// Keys of 16 or 8 bits, packed in blocks of kKeyBlock positions.
//
// f16 and int8: [block][head_dim][kKeyBlock], like keys in floats. bf16, where head_dim is even:
// [block][head_dim / 2][kKeyBlock][2], so that two dimensions are adjacent in 32 bits. A dot product of
// bfloat16 takes such a pair, and a shift and a mask widen it.
#pragma once
#include <cstdint>

#include "kernels/attention/kv_type.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

struct NarrowKeys {
  KvType type = KvType::f16;      // not f32
  const void* packed = nullptr;   // elements of 16 or 8 bits
  const float* scales = nullptr;  // int8: [positions]

  // The keys from a position on, which must be a multiple of kKeyBlock.
  [[nodiscard]] NarrowKeys from(std::int64_t position, std::int64_t head_dim) const {
    return {type, static_cast<const char*>(packed) + position * row_bytes(type, head_dim),
            scales == nullptr ? nullptr : scales + position};
  }
  [[nodiscard]] const std::uint16_t* halves() const { return static_cast<const std::uint16_t*>(packed); }
};

// Writes `rows` keys, row-major with `stride` elements from one to the next, to the positions from
// first_position on. `type` is f16 or bf16.
void pack_half_keys(KvType type, const std::uint16_t* keys, std::int64_t rows, std::int64_t stride,
                    std::int64_t head_dim, std::int64_t first_position, std::uint16_t* packed);
// Writes one key to its position.
void pack_int8_key(const std::int8_t* key, std::int64_t head_dim, std::int64_t position, std::int8_t* packed);

// Converts `blocks` blocks to floats, [block][head_dim][kKeyBlock]: the values to which the cache rounded
// each key.
void widen_keys(const NarrowKeys& keys, std::int64_t blocks, std::int64_t head_dim, float* to);

}  // namespace toptheta
