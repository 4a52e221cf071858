// Threshold tables on disk: HDF5, versions 1 to 3 (docs/formats.md, "Threshold table").
//
//   /                 format = "toptheta.threshold-table", version = 1 | 2 | 3
//                     num_layers, num_heads, num_kv_heads, head_dim   (0 where unknown)
//                     model, placement = "pre-softmax" | "post-softmax" | "running-softmax", estimator
//                     add_sigma, topk_at_calibration = 0 | 1, row_fraction
//                     length_bins             only where entries belong to bins of lengths
//                     keep_first, keep_recent only where positions are always kept; the version is then 3
//   /provenance       uint8 []            JSON text: version, commit, command, seed, inputs [{path, sha256}]
//   /targets/<k>      k, index            the k asked for, and the target's position in the table
//     layer_k         int64 [num_layers]  the k of each layer; -1 = dense
//     head_k          int64 [num_layers * num_heads]  the k of each head; only where heads of a layer differ:
//                     layer_k is then the smallest of each layer, and the version at least 2
//     layer, head     int32 [entries]     the entries, ordered by layer, head and row length; none twice
//     length          int32 [entries]
//     theta, std      float64 [entries]
//     count           int64 [entries]     calibration rows; 0 where interpolated
//     sdc, kept_mass  float64 [entries]   NaN = not calibrated
//     rho             float64 [entries]   only where calibrated
//     rho_law         float64 [num_layers * num_heads, 3]  c0, c1, c2 of each head's law for rho; NaN = the
//                     head has none; only where calibrated with --rho-law
//   /curves           only where calibrated with --curve (theta/formats/curve_file.hpp)
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

// Writes the file atomically; equal tables give equal bytes. Throws UnfinishedError if the file cannot be
// written.
void save_table(const ThresholdTable& table, const std::filesystem::path& path);

// Throws InputError naming file and data set for anything that save_table() does not write: another kind or
// version of file, missing or mistyped parts, columns of different sizes, values out of range, entries out of
// order.
ThresholdTable load_table(const std::filesystem::path& path);

}  // namespace toptheta
