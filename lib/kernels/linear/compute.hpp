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
  // Weights are kept as integers of 8 bits with a scale and an offset for 16 or 32 of them: exactly those of
  // a quantised file, else rounded. Single rows meet them rounded to 8 bits as well, in blocks of 32; for
  // more rows weights are widened as they are used, to bfloat16 where the processor multiplies that, and the
  // inputs with them.
  q8,
};
template <>
inline constexpr auto kNames<Compute> =
    std::to_array<Named<Compute>>({{Compute::f32, "f32"}, {Compute::bf16, "bf16"}, {Compute::q8, "q8"}});

// Bytes of one weight of a product, scales and offsets of 32 included.
constexpr double weight_bytes(Compute compute) {
  return compute == Compute::f32 ? 4 : compute == Compute::bf16 ? 2 : 1.25;
}

}  // namespace toptheta
