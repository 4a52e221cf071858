#include "kernels/linear/activation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "core/random.hpp"
#include "kernels/linear/elementwise.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

using Floats = std::vector<float>;

Floats drawn(std::size_t count, std::uint64_t seed, double range) {
  Random random(seed);
  Floats values(count);
  for (float& v : values)
    v = static_cast<float>(range * (2 * random.uniform() - 1));
  return values;
}

double naive(const ActivationKind& kind, double x, double up) {
  switch (kind.activation) {
    case Activation::silu:
      return x / (1 + std::exp(-x)) * up;
    case Activation::gelu_tanh:
      return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x))) * up;
    case Activation::gelu_erf:
      return x / 2 * (1 + std::erf(x / std::sqrt(2.0))) * up;
    case Activation::relu:
      return std::max(x, 0.0) * up;
    case Activation::relu_squared:
      return std::max(x, 0.0) * std::max(x, 0.0) * up;
    case Activation::clamped_swish:
      break;
  }
  const auto alpha = static_cast<double>(kind.alpha);
  const auto limit = static_cast<double>(kind.limit);
  const double gate = std::min(x, limit);
  return gate / (1 + std::exp(-alpha * gate)) * (std::clamp(up, -limit, limit) + 1);
}

constexpr Activation kAll[] = {Activation::silu, Activation::gelu_tanh,    Activation::gelu_erf,
                               Activation::relu, Activation::relu_squared, Activation::clamped_swish};
constexpr std::size_t kLengths[] = {1, 3, 8, 16, 17, 65};

}  // namespace

TEST_CASE("activations equal their formulas in double, gated and not", "[kernels]") {
  for (const Activation activation : kAll)
    for (const std::size_t size : kLengths) {
      const ActivationKind kind{.activation = activation, .alpha = 1.5F, .limit = 4};
      CAPTURE(static_cast<int>(activation), size);
      const Floats gate = drawn(size, 1, 8);
      const Floats up = drawn(size, 2, 8);
      Floats gated(size);
      activate_gated(kind, gate, up, gated);
      for (std::size_t i = 0; i < size; ++i)
        CHECK(static_cast<double>(gated[i]) ==
              Approx(naive(kind, static_cast<double>(gate[i]), static_cast<double>(up[i])))
                  .epsilon(2e-6)
                  .margin(2e-6));
      if (activation == Activation::clamped_swish) continue;
      Floats plain = gate;
      activate(kind, plain, plain);
      for (std::size_t i = 0; i < size; ++i)
        CHECK(static_cast<double>(plain[i]) ==
              Approx(naive(kind, static_cast<double>(gate[i]), 1)).epsilon(2e-6).margin(1e-6));
    }
}

TEST_CASE("far from zero activations are what they tend to", "[kernels]") {
  for (const Activation activation : kAll) {
    if (activation == Activation::clamped_swish) continue;
    Floats x = {-500, 500, -80, 0};
    activate({.activation = activation}, x, x);
    CHECK(x[0] == Approx(0).margin(1e-30));
    CHECK(x[1] == (activation == Activation::relu_squared ? 500.0F * 500.0F : 500));
    CHECK(x[3] == 0);
  }
}

TEST_CASE("layer_norm equals its formula in double, with bias and without", "[kernels]") {
  for (const std::size_t size : kLengths) {
    const Floats x = drawn(size, 4, 3);
    const Floats weight = drawn(size, 5, 2);
    const Floats bias = drawn(size, 6, 2);
    double mean = 0;
    for (const float v : x)
      mean += static_cast<double>(v) / static_cast<double>(size);
    double squares = 0;
    for (const float v : x)
      squares += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
    const double scale = 1 / std::sqrt(squares / static_cast<double>(size) + 1e-5);
    for (const bool with_bias : {true, false}) {
      Floats out(size);
      CHECK(static_cast<double>(layer_norm(x, weight, with_bias ? bias : Floats{}, 1e-5F, out)) ==
            Approx(squares).epsilon(1e-5).margin(1e-6));
      for (std::size_t i = 0; i < size; ++i) {
        const double normed = (static_cast<double>(x[i]) - mean) * scale * static_cast<double>(weight[i]);
        CHECK(static_cast<double>(out[i]) ==
              Approx(normed + (with_bias ? static_cast<double>(bias[i]) : 0)).epsilon(1e-5).margin(1e-5));
      }
    }
  }
}

TEST_CASE("norms and magnitudes tell what is not finite, wherever it stands", "[kernels]") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const std::size_t size : kLengths) {
    const Floats fine = drawn(size, 7, 5);
    CHECK(largest_magnitude(fine) ==
          std::abs(*std::max_element(fine.begin(), fine.end(),
                                     [](float a, float b) { return std::abs(a) < std::abs(b); })));
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity})
      for (std::size_t at = 0; at < size; at += 5) {
        Floats x = fine;
        x[at] = bad;
        Floats out(size);
        CHECK_FALSE(std::isfinite(largest_magnitude(x)));
        CHECK_FALSE(std::isfinite(rms_norm(x, fine, 1e-5F, out)));
        CHECK_FALSE(std::isfinite(layer_norm(x, fine, {}, 1e-5F, out)));
      }
  }
  CHECK(largest_magnitude({}) == 0);
}
