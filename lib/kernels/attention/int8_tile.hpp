// What the kernels that multiply codes are given, whichever instruction set they are written for
// (int8_products-inl.hpp, int8_products_vnni.cpp).
#pragma once
#include <cstdint>

#include "kernels/attention/block_marks.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

struct CodeTile {
  const std::int8_t* queries = nullptr;   // [rows][head_dim]
  const std::int32_t* offsets = nullptr;  // [rows][2] what the bytes of keys, 128 too large, add to each half
  std::int64_t rows = 0;
  const std::uint8_t* keys = nullptr;  // [blocks][head_dim / 4][kKeyBlock][4]
  std::int64_t blocks = 0;
  std::int64_t head_dim = 0;
  std::int64_t half = 0;                 // quads of dimensions in the first half; head_dim / 4: all of them
  const std::int32_t* bounds = nullptr;  // [rows], bound_stride apart, [blocks]
  std::int64_t bound_stride = 0;
  BlockMarks marks{};  // of the keys whose sum is above the bound
};

}  // namespace toptheta
