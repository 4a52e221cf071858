// The small arithmetic between a transformer's matrix products, vectorised for the processor at run time.
// Free functions over one row each: no allocation, no threads, no model.
#pragma once
#include <span>

namespace toptheta {

// out[i] = weight[i] * x[i] / sqrt(mean of x^2 + eps). All three of one size; out may be x. (Zhang &
// Sennrich, arXiv 1910.07467.)
void rms_norm(std::span<const float> x, std::span<const float> weight, float eps, std::span<float> out);

// Rotary position embedding of one head in the half-split convention of Hugging Face's checkpoints (arXiv
// 2104.09864): the pair (x[i], x[i + half]) is rotated by the angle whose cosine and sine are cos[i] and
// sin[i]. x, out: [2 * half]; cos, sin: [half]; out may be x.
void rotate_halves(std::span<const float> x, std::span<const float> cos, std::span<const float> sin,
                   std::span<float> out);

// out[i] = silu(gate[i]) * up[i], silu(x) = x / (1 + e^-x) (SwiGLU, arXiv 2002.05202). All three of one size;
// out may be gate or up.
void silu_multiply(std::span<const float> gate, std::span<const float> up, std::span<float> out);

}  // namespace toptheta
