// The small arithmetic between a transformer's matrix products, vectorised for the processor at run time.
// Free functions over one row each: no allocation, no threads, no model.
#pragma once
#include <span>

namespace toptheta {

// out[i] = weight[i] * x[i] / sqrt(mean of x^2 + eps). All three of one size; out may be x. (Zhang &
// Sennrich, arXiv 1910.07467.) Returns the sum of squares, which is not finite where x is not.
float rms_norm(std::span<const float> x, std::span<const float> weight, float eps, std::span<float> out);

// out[i] = weight[i] * (x[i] - mean) / sqrt(variance + eps) + bias[i]; no bias where it is empty. Out may be
// x. (Ba et al., arXiv 1607.06450.) Returns the sum of squared deviations, which is not finite where x is
// not.
float layer_norm(std::span<const float> x, std::span<const float> weight, std::span<const float> bias,
                 float eps, std::span<float> out);

// The largest |x[i]|; infinite or NaN where one of them is, 0 of nothing.
float largest_magnitude(std::span<const float> x);

// Rotary position embedding of one head in the half-split convention of Hugging Face's checkpoints (arXiv
// 2104.09864): the pair (x[i], x[i + half]) is rotated by the angle whose cosine and sine are cos[i] and
// sin[i]. x, out: [2 * half]; cos, sin: [half]; out may be x.
void rotate_halves(std::span<const float> x, std::span<const float> cos, std::span<const float> sin,
                   std::span<float> out);

// out[i] = silu(gate[i]) * up[i], silu(x) = x / (1 + e^-x) (SwiGLU, arXiv 2002.05202). All three of one size;
// out may be gate or up.
void silu_multiply(std::span<const float> gate, std::span<const float> up, std::span<float> out);

}  // namespace toptheta
