// Rows of floats as 8-bit integers with one scale per row.
#pragma once
#include <cstdint>

namespace toptheta {

// Writes codes from -127 to 127 and returns the scale, which is the largest magnitude / 127. A code is the
// integer nearest to x / scale, ties to even. Where some x is not finite, the scale is NaN, and so is
// everything that floats_from_int8() makes of the row. A row of zeros has scale 0.
float int8_from_floats(const float* from, std::int64_t count, std::int8_t* codes);
// to[i] = codes[i] * scale, rounded once.
void floats_from_int8(const std::int8_t* codes, float scale, std::int64_t count, float* to);

}  // namespace toptheta
