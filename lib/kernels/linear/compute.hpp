// The number format in which a model's matrix products are computed.
#pragma once
#include "core/names.hpp"

namespace toptheta {

enum class Compute {
  f32,
  // Weights are stored in bfloat16, which takes half the memory and, for a single row of inputs, half the
  // reading. Where the processor multiplies bfloat16 (AVX512_BF16), several rows of inputs are rounded to it
  // too. Elsewhere weights are widened as they are used, and products are as exact and as fast as in f32.
  // Sums are f32 (docs/numerics.md).
  bf16,
  // Weights are stored as 8-bit integers with a scale and an offset for each 16 or 32 of them: exactly as in
  // a quantised file, otherwise rounded. For a single row of inputs, the inputs are also rounded to 8 bits,
  // in blocks of 32. For several rows the weights are widened as they are used; where the processor
  // multiplies bfloat16, weights and inputs are rounded to that.
  q8,
};
template <>
inline constexpr auto kNames<Compute> =
    std::to_array<Named<Compute>>({{Compute::f32, "f32"}, {Compute::bf16, "bf16"}, {Compute::q8, "q8"}});

// The bytes that one weight takes, including scales and offsets (for groups of 32).
constexpr double weight_bytes(Compute compute) {
  return compute == Compute::f32 ? 4 : compute == Compute::bf16 ? 2 : 1.25;
}

}  // namespace toptheta
