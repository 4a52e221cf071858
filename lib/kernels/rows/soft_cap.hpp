// The soft cap that some architectures apply to scores and logits: cap * tanh(x / cap).
#pragma once
#include <span>

namespace toptheta {

// x[i] becomes cap * tanh(x[i] / cap), where cap > 0: values far below the cap hardly change, and none
// exceeds it. A NaN stays a NaN.
void soft_cap(std::span<float> x, float cap);

// A bound such that every value at or below it is at most theta after capping. +infinity or -infinity where
// theta is at or beyond the cap.
float before_soft_cap(float theta, float cap);

}  // namespace toptheta
