#include "model/finite.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "kernels/linear/elementwise.hpp"

namespace toptheta {

void throw_not_finite(const ModelConfig& config, const Place& place, std::int64_t position) {
  const std::string part =
      place.layer < 0 ? std::string(place.part) : fmt::format("layer {}, {}", place.layer, place.part);
  throw InputError({.where = fmt::format("model {}: {}, token {}", config.name, part, position),
                    .what = "the result is not finite",
                    .expected = "finite numbers",
                    .found = "a NaN, an infinity, or numbers whose squares overflow",
                    .next = "the weights are finite, so numbers grow too large on the way: check that the "
                            "configuration (norms, scales, activation) belongs to these weights"});
}

namespace {

struct Checked {
  const char* name;
  std::span<const float> values;
  float most;
};

}  // namespace

void throw_unusable(const ModelConfig& config, std::int64_t layer, std::int64_t position, KvType kv,
                    std::span<const float> q, std::span<const float> k, std::span<const float> v) {
  const float held = kv == KvType::f16 ? kLargestF16 : kLargestScoring;
  const Checked kinds[] = {{"queries", q, kLargestScoring}, {"keys", k, held}, {"values", v, held}};
  const auto dim = static_cast<std::size_t>(config.shape.head_dim);
  for (const auto& [name, values, most] : kinds)
    for (std::size_t i = 0; i < values.size(); i += dim) {
      const float largest = largest_magnitude(values.subspan(i, dim));
      if (largest <= most) continue;
      const bool overflows = std::isfinite(largest) && most == kLargestF16;
      throw InputError(
          {.where = fmt::format("model {}: layer {}, {} of head {}, token {}", config.name, layer, name,
                                i / dim, position),
           .what = overflows ? "too large for a cache of f16" : "not finite, or too large to compute with",
           .expected = fmt::format("magnitudes up to {}", overflows ? 65504.0 : static_cast<double>(most)),
           .found = fmt::format("{}", largest),
           .next = overflows ? "use --kv bf16 or --kv f32"
                             : "numbers grow too large on the way: check that the configuration belongs to "
                               "these weights"});
    }
  throw_not_finite(config, {layer, "attention"}, position);
}

}  // namespace toptheta
