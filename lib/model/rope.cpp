#include "model/rope.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "core/parallel.hpp"

namespace toptheta {

namespace {

using Kind = RopeScaling::Kind;

double scale_llama3(double frequency, const RopeScaling& scaling) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < scaling.original_context / scaling.high_freq_factor) return frequency;
  if (wavelength > scaling.original_context / scaling.low_freq_factor) return frequency / scaling.factor;
  const double smooth = (scaling.original_context / wavelength - scaling.low_freq_factor) /
                        (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1 - smooth) * frequency / scaling.factor + smooth * frequency;
}

// The index of the pair, as a real number, that makes this many turns within the original context.
double pair_of_turns(const Rope& rope, double turns) {
  return static_cast<double>(rope.dims) *
         std::log(rope.scaling.original_context / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(rope.theta));
}

double scale_yarn(double frequency, std::int64_t pair, const Rope& rope) {
  const RopeScaling& scaling = rope.scaling;
  double low = pair_of_turns(rope, scaling.beta_fast);
  double high = pair_of_turns(rope, scaling.beta_slow);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(rope.dims - 1));
  if (low == high) high += 0.001;
  const double ramp = std::clamp((static_cast<double>(pair) - low) / (high - low), 0.0, 1.0);
  return frequency / scaling.factor * ramp + frequency * (1 - ramp);
}

double scaled(double frequency, std::int64_t pair, const Rope& rope, std::int64_t length) {
  const RopeScaling& scaling = rope.scaling;
  switch (scaling.kind) {
    case Kind::none:
    case Kind::dynamic:  // scales the base instead
      return frequency;
    case Kind::linear:
      return frequency / scaling.factor;
    case Kind::llama3:
      return scale_llama3(frequency, scaling);
    case Kind::yarn:
      return scale_yarn(frequency, pair, rope);
    case Kind::longrope:
      break;
  }
  const bool is_long = static_cast<double>(length) > scaling.original_context;
  const auto& factors = is_long ? scaling.long_factors : scaling.short_factors;
  return frequency / factors[static_cast<std::size_t>(pair)];
}

double base_of(const Rope& rope, std::int64_t length) {
  const RopeScaling& scaling = rope.scaling;
  if (scaling.kind != Kind::dynamic) return rope.theta;
  const double reach = std::max(static_cast<double>(length), scaling.original_context);
  const auto dims = static_cast<double>(rope.dims);
  return rope.theta * std::pow(scaling.factor * reach / scaling.original_context - (scaling.factor - 1),
                               dims / (dims - 2));
}

}  // namespace

std::vector<double> rope_frequencies(const Rope& rope, std::int64_t length) {
  const double base = base_of(rope, length);
  std::vector<double> frequencies;
  for (std::int64_t i = 0; i < rope.dims / 2; ++i) {
    const double exponent = static_cast<double>(2 * i) / static_cast<double>(rope.dims);
    frequencies.push_back(scaled(std::pow(base, -exponent), i, rope, length));
  }
  return frequencies;
}

void RopeTable::extend(std::int64_t count, std::int64_t length) {
  const Kind kind = rope_.scaling.kind;
  if (frequencies_.empty() || kind == Kind::dynamic || kind == Kind::longrope) {
    std::vector<double> now = rope_frequencies(rope_, length);
    if (now != frequencies_) {
      frequencies_ = std::move(now);
      cos_.clear();
      sin_.clear();
    }
  }
  const std::size_t half = frequencies_.size();
  const auto before = static_cast<std::int64_t>(cos_.size() / half);
  if (count <= before) return;
  cos_.resize(static_cast<std::size_t>(count) * half);
  sin_.resize(static_cast<std::size_t>(count) * half);
  constexpr std::int64_t kTile = 256;
  parallel_for((count - before + kTile - 1) / kTile, [&](std::int64_t tile) {
    const std::int64_t first = before + tile * kTile;
    for (std::int64_t position = first; position < std::min(first + kTile, count); ++position) {
      for (std::size_t i = 0; i < half; ++i) {
        const double angle = static_cast<double>(position) * frequencies_[i];
        const std::size_t at = static_cast<std::size_t>(position) * half + i;
        cos_[at] = static_cast<float>(rope_.scaling.attention_factor * std::cos(angle));
        sin_[at] = static_cast<float>(rope_.scaling.attention_factor * std::sin(angle));
      }
    }
  });
}

}  // namespace toptheta
