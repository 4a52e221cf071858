#include "page/threshold_curves.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "theta/thin_cells.hpp"

namespace toptheta::page {

namespace {

double weight_of(const ThresholdEntry& entry) {
  return static_cast<double>(std::max<std::int64_t>(1, entry.count));
}

struct Sum {
  double weight = 0;
  double theta = 0;
  double std = 0;
  double length = 0;
  double kept_mass = 0;

  void add(const ThresholdEntry& entry) {
    const double w = weight_of(entry);
    weight += w;
    theta += w * entry.theta;
    std += w * entry.std;
    length += w * entry.length;
    kept_mass += w * entry.kept_mass;
  }
};

struct Class {
  Sum all{};
  double entries = 0;
  std::int64_t rows = 0;
  std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
  std::map<std::size_t, Sum> heads{};
};

LengthPoint point_of(const Class& at) {
  LengthPoint point{at.all.length / at.all.weight,
                    at.all.theta / at.all.weight,
                    at.all.std / at.all.weight,
                    std::numeric_limits<double>::infinity(),
                    -std::numeric_limits<double>::infinity(),
                    static_cast<double>(at.rows) / at.entries,
                    at.fewest};
  for (const auto& [head, sum] : at.heads) {
    point.lowest = std::min(point.lowest, sum.theta / sum.weight);
    point.highest = std::max(point.highest, sum.theta / sum.weight);
  }
  return point;
}

// For the heads from cell `from` up to, but not including, `to`.
std::vector<LengthPoint> over_cells(const Target& target, std::size_t from, std::size_t to, int most) {
  std::int32_t shortest = std::numeric_limits<std::int32_t>::max();
  std::int32_t longest = 0;
  for (const auto& cell : target.cells)
    if (!cell.empty()) {
      shortest = std::min(shortest, cell.front().length);
      longest = std::max(longest, cell.back().length);
    }
  const double ratio = std::log((static_cast<double>(longest) + 1) / shortest);
  std::map<int, Class> classes;
  for (std::size_t cell = from; cell < to; ++cell)
    for (const ThresholdEntry& entry : target.cells[cell]) {
      const double place = std::log(static_cast<double>(entry.length) / shortest) / ratio * most;
      Class& at = classes[std::min(most - 1, static_cast<int>(place))];
      at.all.add(entry);
      at.heads[cell].add(entry);
      ++at.entries;
      at.rows += entry.count;
      at.fewest = std::min(at.fewest, entry.count);
    }
  std::vector<LengthPoint> points;
  points.reserve(classes.size());
  for (const auto& [place, at] : classes)
    points.push_back(point_of(at));
  return points;
}

}  // namespace

std::vector<HeadThresholds> heads_of(const Target& target) {
  std::vector<HeadThresholds> heads;
  for (std::size_t i = 0; i < target.cells.size(); ++i) {
    HeadThresholds head;
    head.k = target.k_of(i);
    Sum sum;
    for (const ThresholdEntry& entry : target.cells[i]) {
      sum.add(entry);
      head.rows += entry.count;
      head.interpolated += entry.count == 0 ? 1 : 0;
      head.thin += entry.count > 0 && entry.count < kThinRows ? 1 : 0;
    }
    head.entries = static_cast<std::int64_t>(target.cells[i].size());
    if (head.entries > 0) {
      head.theta = sum.theta / sum.weight;
      head.std = sum.std / sum.weight;
      head.kept_mass = sum.kept_mass / sum.weight;
      head.shortest = target.cells[i].front().length;
      head.longest = target.cells[i].back().length;
    }
    heads.push_back(head);
  }
  return heads;
}

std::vector<LengthPoint> by_length(const ThresholdTable& table, const Target& target, std::int64_t layer,
                                   int most) {
  return over_cells(target, table.cell_index(layer, 0), table.cell_index(layer + 1, 0), most);
}

std::vector<LengthPoint> by_length(const Target& target, int most) {
  return over_cells(target, 0, target.cells.size(), most);
}

}  // namespace toptheta::page
