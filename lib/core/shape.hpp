// What a threshold table, a dump and a model must agree on, and the two places a threshold can stand.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace toptheta {

struct ModelShape {
  std::int64_t num_layers = 0;
  std::int64_t num_heads = 0;     // query heads
  std::int64_t num_kv_heads = 0;  // divides num_heads
  std::int64_t head_dim = 0;      // 0 where unknown
  bool operator==(const ModelShape&) const = default;
};

enum class Placement { pre_softmax, post_softmax };

// "pre-softmax" or "post-softmax".
constexpr std::string_view name_of(Placement placement) {
  return placement == Placement::pre_softmax ? "pre-softmax" : "post-softmax";
}
constexpr std::optional<Placement> placement_from_name(std::string_view name) {
  if (name == "pre-softmax") return Placement::pre_softmax;
  if (name == "post-softmax") return Placement::post_softmax;
  return std::nullopt;
}

}  // namespace toptheta
