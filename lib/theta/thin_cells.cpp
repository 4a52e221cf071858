#include "theta/thin_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace toptheta {

namespace {

struct AtLength {
  std::int64_t heads = 0;  // heads whose threshold is thin
  std::int64_t fewest = 0;
};

std::string describe(const ThinCells& thin) {
  const std::string lengths = thin.shortest == thin.longest
                                  ? fmt::format("rows of {} keys", thin.shortest)
                                  : fmt::format("rows of {} to {} keys", thin.shortest, thin.longest);
  return fmt::format("-k {}: the thresholds of {} rest on as few as {} calibration row{} each, in {} head{}",
                     format_k(thin.k), lengths, thin.fewest, thin.fewest == 1 ? "" : "s", thin.heads,
                     thin.heads == 1 ? "" : "s");
}

}  // namespace

std::vector<ThinCells> thin_cells(const Target& target, std::int64_t enough) {
  std::map<std::int32_t, AtLength> lengths;
  for (const auto& cell : target.cells)
    for (const ThresholdEntry& entry : cell) {
      if (entry.count == 0) continue;
      AtLength& at = lengths[entry.length];
      if (entry.count >= enough) continue;
      at.fewest = at.heads == 0 ? entry.count : std::min(at.fewest, entry.count);
      ++at.heads;
    }
  std::vector<ThinCells> result;
  std::int64_t heads_before = 0;
  for (const auto& [length, at] : lengths) {
    if (at.heads > 0 && at.heads == heads_before) {
      result.back().longest = length;
      result.back().fewest = std::min(result.back().fewest, at.fewest);
    } else if (at.heads > 0) {
      result.push_back({target.k, length, length, at.heads, at.fewest});
    }
    heads_before = at.heads;
  }
  return result;
}

std::vector<std::string> describe(const std::vector<ThinCells>& thin, std::size_t most) {
  std::vector<ThinCells> widest = thin;
  std::stable_sort(widest.begin(), widest.end(), [](const ThinCells& a, const ThinCells& b) {
    return a.longest - a.shortest > b.longest - b.shortest;
  });
  std::vector<std::string> text;
  for (std::size_t i = 0; i < std::min(most, widest.size()); ++i)
    text.push_back(describe(widest[i]));
  if (const std::size_t more = widest.size() - std::min(most, widest.size()); more > 0)
    text.back() += fmt::format("; and {} more range{}", more, more == 1 ? "" : "s");
  return text;
}

std::string advice_on_thin_cells(const TableMeta& meta) {
  std::string advice = "calibrate on more documents of such lengths, or let lengths share rows: ";
  if (meta.length_bins > 0)
    return advice + fmt::format("fewer --length-bins than {}, or --estimator pooled", meta.length_bins);
  return advice + "--length-bins 8, --estimator pooled, or tt-calibrate convert --smooth";
}

}  // namespace toptheta
