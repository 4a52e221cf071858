// The normal distribution, as far as it is needed.
#pragma once

namespace toptheta {

// Standard deviations on either side of the mean that hold 95%.
inline constexpr double kNormal95 = 1.959963984540054;

}  // namespace toptheta
