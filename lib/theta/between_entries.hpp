// The threshold of a row length that lies between the entries of a head, in double, and the entry it is
// nearest to.
#pragma once
#include <cstdint>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// Interpolates linearly between the neighbouring entries; outside their range, takes the nearest entry.
// `entries` must not be empty. Where a table has length bins, ThresholdLookup computes the same and rounds it
// down to float.
double interpolated_theta(const std::vector<ThresholdEntry>& entries, std::int64_t length);

// The entry whose length is nearest, as LengthLookup::nearest takes it: of two, the shorter. `entries` must
// not be empty.
const ThresholdEntry& nearest_entry(const std::vector<ThresholdEntry>& entries, std::int64_t length);

}  // namespace toptheta
