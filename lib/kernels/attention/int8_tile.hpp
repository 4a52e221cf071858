// The arguments of the kernels that multiply codes, for all instruction sets (int8_products-inl.hpp,
// int8_products_vnni.cpp).
#pragma once
#include <cstdint>

#include "kernels/attention/block_marks.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

struct CodeTile {
  const std::int8_t* queries = nullptr;   // [rows][head_dim]
  const std::int32_t* offsets = nullptr;  // [rows][2] to subtract from each half: see QueryCodes::offsets
  std::int64_t rows = 0;
  const std::uint8_t* keys = nullptr;  // [blocks][head_dim / 4][kKeyBlock][4]
  std::int64_t blocks = 0;
  std::int64_t head_dim = 0;
  std::int64_t half = 0;  // quads of dimensions in the first half; head_dim / 4: there is no second half
  const std::int32_t* bounds = nullptr;  // [rows][blocks], rows bound_stride apart
  std::int64_t bound_stride = 0;
  BlockMarks marks{};  // output: set for keys whose sum is above the bound
};

}  // namespace toptheta
