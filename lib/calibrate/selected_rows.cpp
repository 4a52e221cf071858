#include "calibrate/selected_rows.hpp"

#include <algorithm>

namespace toptheta {

void SelectedRows::select(std::span<const std::int32_t> lengths) {
  const std::int32_t longest = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
  wanted_.assign(static_cast<std::size_t>(longest) + 1, false);
  for (const std::int32_t length : lengths)
    wanted_[static_cast<std::size_t>(length)] = true;
}

void SelectedRows::add(const RowBlock& block) {
  std::int64_t row = 0;
  while (row < block.rows()) {
    const std::int64_t begin = row;
    while (row < block.rows() && is_wanted(block.lengths[static_cast<std::size_t>(row)]))
      ++row;
    if (row > begin) {
      const auto cut = [&](auto all) {
        return all.empty()
                   ? all
                   : all.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(row - begin));
      };
      RowBlock part = block;
      part.scores = block.scores + begin * block.stride;
      part.lengths = cut(block.lengths);
      part.first_keys = cut(block.first_keys);
      part.ranges = cut(block.ranges);
      part.exp_sums = cut(block.exp_sums);
      part.next = cut(block.next);
      sink_.add(part);
    }
    ++row;  // the unwanted row that ended the run
  }
}

}  // namespace toptheta
