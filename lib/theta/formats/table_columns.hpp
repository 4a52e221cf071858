// The columns that a target is stored as.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// k as files hold them: -1 for kDenseK.
std::vector<std::int64_t> stored_k(std::vector<std::int64_t> k);

// All of one size, sorted by layer, head and length.
struct TargetColumns {
  std::vector<std::int32_t> layer;
  std::vector<std::int32_t> head;
  std::vector<std::int32_t> length;
  std::vector<double> theta;
  std::vector<double> std;
  std::vector<std::int64_t> count;
  std::vector<double> sdc;
  std::vector<double> kept_mass;
};

TargetColumns columns_from(const Target& target, std::int64_t num_heads);

// The cells of a target of this shape. Throws InputError naming where/<column> and the entry for layers and
// heads outside the shape, values out of range, and entries that are out of order or stand twice. The columns
// must be of one size.
std::vector<std::vector<ThresholdEntry>> cells_from(const TargetColumns& columns, const ModelShape& shape,
                                                    const std::string& where);

}  // namespace toptheta
