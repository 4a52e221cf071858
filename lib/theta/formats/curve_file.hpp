// Curves in the HDF5 file of a threshold table: the group /curves (docs/formats.md).
#pragma once
#include "io/hdf5.hpp"
#include "theta/curve.hpp"
#include "theta/table.hpp"

namespace toptheta {

// Writes the group `curves` into `parent`, losslessly. A CurveFitter saves its state in the same form.
void write_curves(hdf5::Group& parent, const ScoreCurves& curves, std::int64_t num_heads);

// Reads that group. Throws InputError for anything that write_curves() does not write: columns of different
// sizes, values out of range or out of order.
ScoreCurves read_curves(const hdf5::Group& parent, const ModelShape& shape);

}  // namespace toptheta
