// What a head's thresholds say of a row length between those that have an entry, in double.
#pragma once
#include <cstdint>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// By linear interpolation between the neighbouring entries, of which there must be one; the nearest outside
// their range. ThresholdLookup rounds this down where a table is of length bins.
double interpolated_theta(const std::vector<ThresholdEntry>& entries, std::int64_t length);

}  // namespace toptheta
