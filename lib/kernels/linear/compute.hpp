// What products of a model are computed in.
#pragma once
#include "core/names.hpp"

namespace toptheta {

enum class Compute {
  f32,
  // Weights are kept in bfloat16: half the memory and half the reading of single rows. Where the processor
  // multiplies bfloat16 (AVX512_BF16), inputs of more than one row are rounded to it too; elsewhere weights
  // are widened as they are used, which is as exact as fp32 and as fast. Sums are fp32 (docs/numerics.md).
  bf16,
};
template <>
inline constexpr auto kNames<Compute> = std::to_array<Named<Compute>>({{Compute::f32, "f32"},
                                                                       {Compute::bf16, "bf16"}});

}  // namespace toptheta
