// Marks of the keys of a tile, one bit each. Kernels write them for a block of kKeyBlock keys at a time, and
// read them as words of 64.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/attention/score_rows.hpp"

namespace toptheta {

static_assert(kKeyBlock == 16, "a block's marks are 16 bits");
static_assert(std::endian::native == std::endian::little, "the first blocks' marks are a word's lower bits");

inline constexpr std::int64_t kMarkBytes = kKeyBlock / 8;  // per block

// Bit b of block j of row r is bit b of the two bytes at `bytes` + (r * row_blocks + j) * kMarkBytes.
struct BlockMarks {
  std::byte* bytes = nullptr;
  std::int64_t row_blocks = 0;  // blocks from one row to the next

  [[nodiscard]] std::byte* at(std::int64_t row, std::int64_t block) const {
    return bytes + (row * row_blocks + block) * kMarkBytes;
  }
  // The marks of all rows from this block on.
  [[nodiscard]] BlockMarks from(std::int64_t block) const { return {at(0, block), row_blocks}; }
};

inline void store_marks(std::uint16_t bits, std::byte* to) {
  std::memcpy(to, &bits, sizeof bits);
}

}  // namespace toptheta
