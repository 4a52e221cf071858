// The threshold of a row length that lies between the entries of a head, in double.
#pragma once
#include <cstdint>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// Interpolates linearly between the neighbouring entries; outside their range, takes the nearest entry.
// `entries` must not be empty. Where a table has length bins, ThresholdLookup computes the same and rounds it
// down to float.
double interpolated_theta(const std::vector<ThresholdEntry>& entries, std::int64_t length);

}  // namespace toptheta
