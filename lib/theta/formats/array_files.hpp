// A threshold table as named arrays for numerical programs: .npz (numpy) and .safetensors. For export only;
// use theta/formats/table_file.hpp or theta/formats/json.hpp for files that are to be read back. Curves are
// not exported.
//
//   k                                    int64 [targets]
//   <k>/layer_k                          int64 [num_layers]; -1 = dense
//   <k>/head_k                           int64 [num_layers * num_heads]; only where a layer's heads differ
//   <k>/layer, <k>/head, <k>/length      int32 [entries]
//   <k>/theta, <k>/std                   float64 [entries]
//   <k>/sdc, <k>/kept_mass               float64 [entries]; NaN = not calibrated
//   <k>/rho                              float64 [entries]; only where calibrated
//   <k>/count                            int64 [entries]
//   <k>/rho_law                          float64 [num_layers * num_heads, 3]: c0, c1, c2 of each head's law
//                                        for rho; NaN = it has none; only where calibrated
//
// The table's attributes and provenance are JSON {"meta", "provenance"}, as in theta/formats/json.hpp: the
// bytes of an array `about` in .npz, the metadata entry "toptheta" in .safetensors.
#pragma once
#include <cstdint>
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// k = 0 writes all targets. Throw UsageError for a k that the table does not have, UnfinishedError if the
// file cannot be written.
void write_npz(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);
void write_safetensors(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);

}  // namespace toptheta
