// The element-wise arithmetic between a transformer's matrix products, vectorised for the processor at run
// time.
//
// Each function works on one row, allocates nothing, starts no threads, and knows nothing of models.
#pragma once
#include <span>

namespace toptheta {

// out[i] = weight[i] * x[i] / sqrt(mean of x^2 + eps) (Zhang & Sennrich, arXiv 1910.07467). Equal sizes;
// `out` may be `x`. Returns the sum of squares, which is not finite where x is not.
float rms_norm(std::span<const float> x, std::span<const float> weight, float eps, std::span<float> out);

// out[i] = weight[i] * (x[i] - mean) / sqrt(variance + eps) + bias[i], without a bias where `bias` is empty
// (Ba et al., arXiv 1607.06450). `out` may be `x`. Returns the sum of squared deviations from the mean, which
// is not finite where x is not.
float layer_norm(std::span<const float> x, std::span<const float> weight, std::span<const float> bias,
                 float eps, std::span<float> out);

// The largest |x[i]|: infinite or NaN where one of the values is, 0 where there are none.
float largest_magnitude(std::span<const float> x);

// Rotary position embedding (arXiv 2104.09864) of one head, in the half-split convention of Hugging Face's
// checkpoints: the pair (x[i], x[i + half]) is rotated by the angle whose cosine and sine are cos[i] and
// sin[i]. x, out: [2 * half]; cos, sin: [half]; `out` may be `x`.
void rotate_halves(std::span<const float> x, std::span<const float> cos, std::span<const float> sin,
                   std::span<float> out);

// out[i] = silu(gate[i]) * up[i], where silu(x) = x / (1 + e^-x) (SwiGLU, arXiv 2002.05202). Equal sizes;
// `out` may be `gate` or `up`.
void silu_multiply(std::span<const float> gate, std::span<const float> up, std::span<float> out);

}  // namespace toptheta
