// Weighted sums of all V rows of a tile, for all its rows.
#pragma once
#include <cstdint>

#include "kernels/attention/kv_type.hpp"

namespace toptheta {

inline constexpr std::int64_t kValueStep = 96;  // V rows that stay in the first-level cache

// V of 16 bits, widened a step at a time.
struct HalfValues {
  KvType type = KvType::f16;
  const std::uint16_t* values = nullptr;  // [keys][head_dim]
  float* wide = nullptr;                  // [kValueStep][head_dim] scratch
};

struct ValueTile {
  const float* weights = nullptr;  // [rows], weight_stride apart
  std::int64_t weight_stride = 0;
  std::int64_t rows = 0;
  const float* values = nullptr;  // [keys][head_dim]
  std::int64_t head_dim = 0;      // a multiple of 4
  std::int64_t keys = 0;
  float* sums = nullptr;             // [rows][head_dim]
  bool prefetch = false;             // V comes from memory rather than from a cache
  const HalfValues* half = nullptr;  // if given, `values` is not used
};

// sums = weights x values, overwriting. A sum is one chain of multiply-adds over ascending positions, so that
// it agrees to the bit with sums over lists of rows where the other's extra weights are zero.
void sum_dense_values(const ValueTile& tile);

}  // namespace toptheta
