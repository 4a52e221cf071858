// Which targets of a table an exported file holds.
#pragma once
#include <cstdint>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// The target for k, or all of them in table order for k = 0. Throws UsageError listing the k there are.
std::vector<const Target*> choose_targets(const ThresholdTable& table, std::int64_t k);

}  // namespace toptheta
