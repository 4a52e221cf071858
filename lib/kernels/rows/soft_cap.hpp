// The soft cap that some architectures put on scores and on logits: cap * tanh(x / cap).
#pragma once
#include <span>

namespace toptheta {

// x[i] = cap * tanh(x[i] / cap): close to what they were far below cap > 0, never beyond it. A NaN stays one.
void soft_cap(std::span<float> x, float cap);

// Values at or below the returned bound are at most theta once they are capped.
float before_soft_cap(float theta, float cap);

}  // namespace toptheta
