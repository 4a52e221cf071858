// Internal to calibration: reads and writes statistics by length (ByLength) as columns of a file.
#pragma once
#include <fmt/format.h>

#include <string>
#include <vector>

#include "calibration/accumulator.hpp"
#include "core/error.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

// Reads a one-dimensional data set, which must have `size` elements (-1: any number).
template <class T>
std::vector<T> read_state_column(const hdf5::Group& group, const std::string& name, std::int64_t size) {
  const hdf5::Dataset dataset = group.open_dataset(name);
  if (dataset.dims().size() != 1 || (size >= 0 && dataset.size() != size))
    throw InputError({.where = dataset.where(),
                      .what = "wrong shape",
                      .expected = size >= 0 ? hdf5::format_dims({size}) : "one dimension",
                      .found = hdf5::format_dims(dataset.dims())});
  return dataset.size() == 0 ? std::vector<T>() : dataset.read<T>();
}

// The keys of all entries of a list of cells, by cell and length, with their number of rows: one element per
// entry in each column.
struct StateKeys {
  std::vector<std::int32_t> cell;
  std::vector<std::int32_t> length;
  std::vector<std::int64_t> count;

  template <class Statistics>
  static StateKeys of(const std::vector<ByLength<Statistics>>& cells) {
    StateKeys keys;
    for (std::size_t i = 0; i < cells.size(); ++i)
      cells[i].for_each([&](std::int32_t n, const Statistics& statistics) {
        keys.cell.push_back(static_cast<std::int32_t>(i));
        keys.length.push_back(n);
        keys.count.push_back(statistics.count);
      });
    return keys;
  }

  void save(hdf5::Group& group) const {
    group.write_vector("cell", cell);
    group.write_vector("length", length);
    group.write_vector("count", count);
  }

  // Throws InputError for a cell that is not below `cells`, and for lengths and counts below 1.
  static StateKeys load(const hdf5::Group& group, std::size_t cells) {
    StateKeys keys;
    keys.cell = read_state_column<std::int32_t>(group, "cell", -1);
    const auto size = static_cast<std::int64_t>(keys.cell.size());
    keys.length = read_state_column<std::int32_t>(group, "length", size);
    keys.count = read_state_column<std::int64_t>(group, "count", size);
    for (std::size_t i = 0; i < keys.cell.size(); ++i)
      if (keys.cell[i] < 0 || static_cast<std::size_t>(keys.cell[i]) >= cells || keys.length[i] < 1 ||
          keys.count[i] < 1)
        throw InputError({.where = group.where(),
                          .what = fmt::format("entry {} is out of range", i),
                          .expected = fmt::format("a cell below {}, length and count of at least 1", cells),
                          .found = fmt::format("cell {}, length {}, count {}", keys.cell[i], keys.length[i],
                                               keys.count[i])});
    return keys;
  }
};

// Writes one column: `value` of every entry's statistics, in the order of StateKeys::of().
template <class Statistics, class Value>
void save_state_column(hdf5::Group& group, const std::string& name,
                       const std::vector<ByLength<Statistics>>& cells, Value value) {
  std::vector<double> column;
  for (const auto& cell : cells)
    cell.for_each([&](std::int32_t, const Statistics& statistics) { column.push_back(value(statistics)); });
  group.write_vector(name, column);
}

}  // namespace toptheta
