// Internal to lib/theta: columns of numbers in HDF5, compressed where they are long.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/hdf5.hpp"

namespace toptheta {

// In elements; columns with fewer are stored contiguously.
inline constexpr std::int64_t kColumnChunk = 16384;
inline constexpr int kColumnGzipLevel = 4;

template <typename T>
void write_column(hdf5::Group& group, const std::string& name, hdf5::Element element,
                  const std::vector<T>& values) {
  const auto size = static_cast<std::int64_t>(values.size());
  const hdf5::Storage storage =
      size < kColumnChunk ? hdf5::Storage{} : hdf5::Storage{{kColumnChunk}, kColumnGzipLevel};
  hdf5::Dataset dataset = group.create_dataset(name, element, {size}, storage);
  if (size > 0) dataset.write(std::span<const T>(values));
}

}  // namespace toptheta
