// Threshold tables on disk: HDF5, versions 1 and 2 (docs/formats.md, "Threshold table").
//
//   /                 format = "toptheta.threshold-table", version = 1 | 2
//                     num_layers, num_heads, num_kv_heads, head_dim   (0 where unknown)
//                     model, placement = "pre-softmax" | "post-softmax", estimator
//                     add_sigma, topk_at_calibration = 0 | 1, row_fraction
//   /provenance       uint8 []            JSON text: version, commit, command, seed, inputs [{path, sha256}]
//   /targets/<k>      k, index            the k asked for, and the target's position in the table
//     layer_k         int64 [num_layers]  k of every layer; -1 = dense
//     head_k          int64 [num_layers * num_heads]  only where heads of a layer differ: k of every head;
//                     layer_k is then the smallest of each layer, and the file's version 2
//     layer, head     int32 [entries]     the entries' columns, by layer, head and row length; none twice
//     length          int32 [entries]
//     theta, std      float64 [entries]
//     count           int64 [entries]     calibration rows; 0 where interpolated
//     sdc, kept_mass  float64 [entries]   NaN = not calibrated
//
// In Python:
//
//   import h5py, json
//   f = h5py.File("theta.h5")
//   t = f["targets/64"]
//   this = (t["layer"][:] == 3) & (t["head"][:] == 0)
//   print(dict(zip(t["length"][this], t["theta"][this])), json.loads(bytes(f["provenance"][:])))
#pragma once
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// Atomic; equal tables give equal bytes. Throws UnfinishedError if the file cannot be written.
void save_table(const ThresholdTable& table, const std::filesystem::path& path);

// Throws InputError naming file and data set for anything that save_table does not write: another kind of
// file or version, missing or mistyped parts, columns of different size, values out of range, entries out of
// order.
ThresholdTable load_table(const std::filesystem::path& path);

}  // namespace toptheta
