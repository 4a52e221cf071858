#include "model/rope.hpp"

#include <cmath>
#include <cstddef>
#include <numbers>

#include "core/parallel.hpp"

namespace toptheta {

namespace {

double scale_llama3(double frequency, const RopeScaling& scaling) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < scaling.original_context / scaling.high_freq_factor) return frequency;
  if (wavelength > scaling.original_context / scaling.low_freq_factor) return frequency / scaling.factor;
  const double smooth = (scaling.original_context / wavelength - scaling.low_freq_factor) /
                        (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1 - smooth) * frequency / scaling.factor + smooth * frequency;
}

}  // namespace

std::vector<double> rope_frequencies(const ModelConfig& config) {
  const std::int64_t half = config.shape.head_dim / 2;
  std::vector<double> frequencies;
  for (std::int64_t i = 0; i < half; ++i) {
    const double exponent = static_cast<double>(2 * i) / static_cast<double>(config.shape.head_dim);
    const double frequency = std::pow(config.rope_theta, -exponent);
    switch (config.rope_scaling.kind) {
      case RopeScaling::Kind::none:
        frequencies.push_back(frequency);
        break;
      case RopeScaling::Kind::linear:
        frequencies.push_back(frequency / config.rope_scaling.factor);
        break;
      case RopeScaling::Kind::llama3:
        frequencies.push_back(scale_llama3(frequency, config.rope_scaling));
        break;
    }
  }
  return frequencies;
}

void RopeTable::extend(std::int64_t count) {
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
        cos_[at] = static_cast<float>(std::cos(angle));
        sin_[at] = static_cast<float>(std::sin(angle));
      }
    }
  });
}

}  // namespace toptheta
