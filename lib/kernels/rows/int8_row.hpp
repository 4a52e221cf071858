// Rows of floats as integers of 8 bits with a scale.
#pragma once
#include <cstdint>

namespace toptheta {

// Codes from -127 to 127 and the scale that is returned, the largest magnitude / 127. A code is the nearest
// integer to x / scale, ties to even. Where some x is not finite, the scale is NaN, and so is what it widens
// to.
float int8_from_floats(const float* from, std::int64_t count, std::int8_t* codes);
// code * scale, rounded once.
void floats_from_int8(const std::int8_t* codes, float scale, std::int64_t count, float* to);

}  // namespace toptheta
