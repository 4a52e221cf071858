// Keys of 16 bits, packed in blocks of kKeyBlock positions.
//
// f16: [block][head_dim][kKeyBlock], as keys of floats are. bf16, where head_dim is even:
// [block][head_dim / 2][kKeyBlock][2], two dimensions side by side in 32 bits, which a dot product of
// bfloat16 takes at once and a shift and a mask widen.
#pragma once
#include <cstdint>

#include "kernels/attention/kv_type.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

// Writes `rows` keys, row-major with `stride` elements from one to the next, to positions first_position ...
// of `packed`. `type` is one of the two halves.
void pack_half_keys(KvType type, const std::uint16_t* keys, std::int64_t rows, std::int64_t stride,
                    std::int64_t head_dim, std::int64_t first_position, std::uint16_t* packed);

// `blocks` blocks as floats, [block][head_dim][kKeyBlock]. Exact.
void widen_keys(KvType type, const std::uint16_t* packed, std::int64_t blocks, std::int64_t head_dim,
                float* to);

}  // namespace toptheta
