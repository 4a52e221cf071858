// A threshold table as named arrays, for numerical programs: .npz (numpy) and .safetensors. For export only:
// theta/table_file.hpp is the form that is read back.
//
// Arrays: `k` int64 [targets], and for each target the columns of theta/columns.hpp: <k>/layer_k int64
// [num_layers] (-1 = dense), <k>/head_k int64 [num_layers * num_heads] where heads of a layer differ,
// <k>/layer, <k>/head, <k>/length int32 [entries], <k>/theta, <k>/std, <k>/sdc, <k>/kept_mass and, where
// calibrated, <k>/rho float64 [entries] (NaN = not calibrated), <k>/count int64 [entries]. What the table
// says about itself is JSON as in theta/json.hpp, {"meta", "provenance"}: the bytes of an array `about` in
// .npz, the metadata entry "toptheta" in .safetensors.
#pragma once
#include <cstdint>
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// k = 0 writes all targets. Throw UsageError for a k that the table has not, UnfinishedError if the file
// cannot be written.
void write_npz(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);
void write_safetensors(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);

}  // namespace toptheta
