#include "theta/columns.hpp"

#include <algorithm>

namespace toptheta {

bool has_value(const ThresholdColumn& column, const ThresholdCells& cells) {
  return std::any_of(cells.begin(), cells.end(), [&column](const std::vector<ThresholdEntry>& entries) {
    return std::any_of(entries.begin(), entries.end(), [&column](const ThresholdEntry& entry) {
      return !std::isnan(column_value(entry, column));
    });
  });
}

}  // namespace toptheta
