// The nonlinear functions of feed-forward layers.
#pragma once
#include <span>

namespace toptheta {

enum class Activation {
  silu,       // x / (1 + e^-x)
  gelu_tanh,  // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
  gelu_erf,   // x / 2 * (1 + erf(x / sqrt(2)))
  relu,
  relu_squared,   // max(x, 0)^2
  clamped_swish,  // gated only: min(g, limit) * sigmoid(alpha * g) * (clamp(u, -limit, limit) + 1) (gpt-oss)
};

struct ActivationKind {
  Activation activation = Activation::silu;
  float alpha = 1.702F;  // clamped_swish
  float limit = 7;       // clamped_swish
};

// out[i] = f(x[i]). Equal sizes; `out` may be `x`. Not for clamped_swish.
void activate(const ActivationKind& kind, std::span<const float> x, std::span<float> out);
// out[i] = f(gate[i]) * up[i]; for clamped_swish the formula above with g = gate[i], u = up[i]. Equal sizes;
// `out` may be `gate` or `up`.
void activate_gated(const ActivationKind& kind, std::span<const float> gate, std::span<const float> up,
                    std::span<float> out);

}  // namespace toptheta
