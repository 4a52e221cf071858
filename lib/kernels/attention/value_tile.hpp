// Weighted sums of all V rows of a tile, for all its rows.
#pragma once
#include <cstdint>

#include "kernels/attention/kv_type.hpp"

namespace toptheta {

inline constexpr std::int64_t kValueStep = 96;  // V rows that stay in the first-level cache

struct ValueTile {
  const float* weights = nullptr;  // [rows], weight_stride apart
  std::int64_t weight_stride = 0;
  std::int64_t rows = 0;
  const float* values = nullptr;  // [keys][head_dim]
  std::int64_t head_dim = 0;      // a multiple of 4
  std::int64_t keys = 0;
  float* sums = nullptr;  // [rows][head_dim]
  bool prefetch = false;  // V comes from memory rather than from a cache
  // If given, `values` is not used: V of fewer bits, widened a step at a time, into [kValueStep][head_dim]
  // scratch.
  const NarrowRows* narrow = nullptr;
};

// sums = weights x values, overwriting. A sum is one chain of multiply-adds over ascending positions, so that
// it agrees to the bit with sums over lists of rows where the other's extra weights are zero.
void sum_dense_values(const ValueTile& tile);

}  // namespace toptheta
