#include "dump/row_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "kernels/select.hpp"

namespace toptheta {

void require_finite(const RowBlock& block, std::span<const std::int64_t> row_numbers,
                    const std::string& where) {
  for (std::int64_t r = 0; r < block.rows(); ++r) {
    const std::span<const float> row = block.row(r);
    if (row_range(row).finite) continue;
    const auto key =
        std::find_if_not(row.begin(), row.end(), [](float value) { return std::isfinite(value); }) -
        row.begin();
    throw InputError(
        {.where = where,
         .what = "a score is not a finite number",
         .expected = fmt::format("finite scores for key positions 0 to {} of this row", row.size() - 1),
         .found = fmt::format("{} at head {}, row {} (query position {}), key position {}",
                              row[static_cast<std::size_t>(key)], block.head,
                              row_numbers[static_cast<std::size_t>(r)], row.size() - 1, key)});
  }
}

}  // namespace toptheta
