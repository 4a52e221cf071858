// How keys are packed.
#pragma once
#include <cstdint>

namespace toptheta {

// Keys are packed in blocks of this many positions, [block][head_dim][kKeyBlock].
inline constexpr std::int64_t kKeyBlock = 16;

}  // namespace toptheta
