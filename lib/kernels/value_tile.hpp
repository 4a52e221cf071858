// Weighted sums of all V rows of a tile, for all its rows.
#pragma once
#include <cstdint>

namespace toptheta {

struct ValueTile {
  const float* weights = nullptr;  // [rows], weight_stride apart
  std::int64_t weight_stride = 0;
  std::int64_t rows = 0;
  const float* values = nullptr;  // [keys][head_dim]
  std::int64_t head_dim = 0;      // a multiple of 4
  std::int64_t keys = 0;
  float* sums = nullptr;  // [rows][head_dim]
  bool prefetch = false;  // V comes from memory rather than from a cache
};

// sums = weights x values, overwriting. A sum is one chain of multiply-adds over ascending positions, so that
// it agrees to the bit with sums over lists of rows where the other's extra weights are zero.
void sum_dense_values(const ValueTile& tile);

}  // namespace toptheta
