// The state of a ThresholdFitter in a file:
//   longest            int32 [layers * heads]   longest row seen
//   targets/<index>    columns with one element per entry:
//     cell, length, count     cell = layer * num_heads + head; `length` is LengthBins::key with length bins
//     theta_0, theta_1        float64: the exact total of the two is the sum of the thresholds
//     squares_0 ... squares_2 float64: likewise, of the thresholds' squares
//     mass_0, mass_1          float64: likewise, of the kept masses
//     lengths                 int64, with length bins only: the sum of the rows' lengths
#include <algorithm>

#include "calibration/fitter.hpp"
#include "calibration/state_columns.hpp"

namespace toptheta {

namespace {

using Cells = std::vector<ByLength<ThresholdStatistics>>;

void save_lengths(hdf5::Group& group, const Cells& cells) {
  std::vector<std::int64_t> lengths;
  for (const auto& cell : cells)
    cell.for_each([&](std::int32_t, const ThresholdStatistics& s) { lengths.push_back(s.lengths); });
  group.write_vector("lengths", lengths);
}

[[noreturn]] void refuse_key(const hdf5::Group& group, std::size_t i, std::int32_t key) {
  throw InputError({.where = fmt::format("{}/length[{}]", group.where(), i),
                    .what = "not a bin of row lengths",
                    .found = fmt::format("{}", key)});
}

// For each entry, the sum of its rows' lengths. Throws InputError if their mean is outside the entry's bin.
std::vector<std::int64_t> read_lengths(const hdf5::Group& group, const StateKeys& keys,
                                       const LengthBins& bins) {
  std::vector<std::int64_t> lengths;
  if (bins.any())
    lengths = read_state_column<std::int64_t>(group, "lengths", static_cast<std::int64_t>(keys.cell.size()));
  for (std::size_t i = 0; i < keys.cell.size(); ++i) {
    const std::int64_t count = keys.count[i];
    if (!bins.is_key(keys.length[i])) refuse_key(group, i, keys.length[i]);
    if (!bins.any()) lengths.push_back(keys.length[i] * count);
    const std::int64_t shortest = bins.shortest(keys.length[i]);
    const std::int64_t longest = bins.longest(keys.length[i]);
    if (lengths[i] / longest > count || lengths[i] / shortest < count)
      throw InputError({.where = fmt::format("{}/lengths[{}]", group.where(), i),
                        .what = "the rows' lengths do not fit their bin",
                        .expected = fmt::format("{} rows of {} to {} keys", count, shortest, longest),
                        .found = fmt::format("{} keys in all", lengths[i])});
  }
  return lengths;
}

void save_target(hdf5::Group group, const Cells& cells, const LengthBins& bins) {
  StateKeys::of(cells).save(group);
  const auto column = [&](const char* name, auto value) { save_state_column(group, name, cells, value); };
  column("theta_0", [](const ThresholdStatistics& s) { return s.theta.high(); });
  column("theta_1", [](const ThresholdStatistics& s) { return s.theta.low(); });
  column("squares_0", [](const ThresholdStatistics& s) { return s.theta_squared.high(); });
  column("squares_1", [](const ThresholdStatistics& s) { return s.theta_squared.middle(); });
  column("squares_2", [](const ThresholdStatistics& s) { return s.theta_squared.low(); });
  column("mass_0", [](const ThresholdStatistics& s) { return s.kept_mass.high(); });
  column("mass_1", [](const ThresholdStatistics& s) { return s.kept_mass.low(); });
  if (bins.any()) save_lengths(group, cells);
}

void add_target(const hdf5::Group& group, Cells& cells, const LengthBins& bins) {
  const StateKeys keys = StateKeys::load(group, cells.size());
  const auto column = [&](const char* name) {
    return read_state_column<double>(group, name, static_cast<std::int64_t>(keys.cell.size()));
  };
  const std::vector<double> theta[] = {column("theta_0"), column("theta_1")};
  const std::vector<double> squares[] = {column("squares_0"), column("squares_1"), column("squares_2")};
  const std::vector<double> mass[] = {column("mass_0"), column("mass_1")};
  const std::vector<std::int64_t> lengths = read_lengths(group, keys, bins);
  for (std::size_t i = 0; i < keys.cell.size(); ++i)
    cells[static_cast<std::size_t>(keys.cell[i])]
        .at(keys.length[i])
        .merge({keys.count[i], ExactSum::from_parts(theta[0][i], theta[1][i]),
                SquareSum::from_parts(squares[0][i], squares[1][i], squares[2][i]),
                ExactSum::from_parts(mass[0][i], mass[1][i]), lengths[i]});
}

}  // namespace

void ThresholdFitter::save(hdf5::Group& group) const {
  group.write_vector("longest", longest_);
  hdf5::Group targets = group.create_group("targets");
  for (std::size_t target = 0; target < cells_.size(); ++target)
    save_target(targets.create_group(fmt::format("{}", target)), cells_[target], bins_);
}

void ThresholdFitter::add_saved(const hdf5::Group& group) {
  const auto longest =
      read_state_column<std::int32_t>(group, "longest", static_cast<std::int64_t>(longest_.size()));
  const hdf5::Group targets = group.open_group("targets");
  for (std::size_t target = 0; target < cells_.size(); ++target)
    add_target(targets.open_group(fmt::format("{}", target)), cells_[target], bins_);
  for (std::size_t head = 0; head < longest.size(); ++head)
    longest_[head] = std::max(longest_[head], longest[head]);
}

}  // namespace toptheta
