// What a threshold table, a dump and a model must agree on: the shape of the model, the quantity that a
// threshold is compared with, and the phase.
#pragma once
#include <cstdint>

#include "core/names.hpp"

namespace toptheta {

struct ModelShape {
  std::int64_t num_layers = 0;
  std::int64_t num_heads = 0;     // query heads
  std::int64_t num_kv_heads = 0;  // divides num_heads
  std::int64_t head_dim = 0;      // 0 where unknown
  bool operator==(const ModelShape&) const = default;
};

// What a threshold is compared with: the scores s, the softmax weights p, or e^(s - L), where L is the
// log-sum-exp of the tiles of keys that the row has visited so far (core/running_tiles.hpp). The last two lie
// between 0 and 1.
enum class Placement { pre_softmax, post_softmax, running_softmax };

template <>
inline constexpr auto kNames<Placement> =
    std::to_array<Named<Placement>>({{Placement::pre_softmax, "pre-softmax"},
                                     {Placement::post_softmax, "post-softmax"},
                                     {Placement::running_softmax, "running-softmax"}});

// How a model reads its input: a whole sequence at once, or token by token through the KV cache.
enum class Phase { prefill, decode };
template <>
inline constexpr auto kNames<Phase> = std::to_array<Named<Phase>>({{Phase::prefill, "prefill"},
                                                                   {Phase::decode, "decode"}});

}  // namespace toptheta
