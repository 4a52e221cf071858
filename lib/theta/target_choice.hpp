// Which targets of a table an export writes.
#pragma once
#include <cstdint>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// The target for k, or for k = 0 all of them in table order. Throws UsageError listing the k that the table
// has.
std::vector<const Target*> choose_targets(const ThresholdTable& table, std::int64_t k);

}  // namespace toptheta
