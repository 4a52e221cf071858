// Curves inside a threshold table's HDF5 file: the group /curves (docs/formats.md).
#pragma once
#include "io/hdf5.hpp"
#include "theta/curve.hpp"
#include "theta/table.hpp"

namespace toptheta {

// Writes the group `curves` into `parent`, complete and lossless: also the state of a CurveFitter.
void write_curves(hdf5::Group& parent, const ScoreCurves& curves, std::int64_t num_heads);

// Throws InputError for what write_curves does not write: columns of different size, values out of range or
// order.
ScoreCurves read_curves(const hdf5::Group& parent, const ModelShape& shape);

}  // namespace toptheta
