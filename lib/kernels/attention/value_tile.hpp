// Weighted sums of all V rows of a tile, for all rows of queries in it.
#pragma once
#include <cstdint>

#include "kernels/attention/kv_type.hpp"

namespace toptheta {

inline constexpr std::int64_t kValueStep = 96;  // this many V rows stay in the first-level cache

struct ValueTile {
  const float* weights = nullptr;  // [rows], weight_stride apart
  std::int64_t weight_stride = 0;
  std::int64_t rows = 0;
  const float* values = nullptr;  // [keys][head_dim]
  std::int64_t head_dim = 0;      // a multiple of 4
  std::int64_t keys = 0;
  float* sums = nullptr;  // [rows][head_dim]
  bool prefetch = false;  // V comes from memory, not from a cache
  // If given, V in 16 or 8 bits, and `values` is not used. It is widened step by step into narrow->wide,
  // [kValueStep][head_dim].
  const NarrowRows* narrow = nullptr;
};

// sums = weights x values; overwrites sums. Each sum is one chain of multiply-adds over ascending positions,
// so it equals to the bit the sum over a list of rows, where the extra weights here are zero.
void sum_dense_values(const ValueTile& tile);

}  // namespace toptheta
