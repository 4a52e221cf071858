// A target of a threshold table as a C header that needs nothing else: static arrays for kernels, and a
// look-up.
//
//   #include "theta.h"
//   float theta = toptheta_threshold(layer, head, n);   // keep scores s > theta of a row of n keys
//
// TOPTHETA_K, TOPTHETA_NUM_LAYERS, TOPTHETA_NUM_HEADS, TOPTHETA_NUM_KV_HEADS, TOPTHETA_POST_SOFTMAX;
// toptheta_layer_k[layer], the smallest of the layer, and toptheta_head_k[c] (-1 = dense); the entries of
// (layer, head) are toptheta_first[c] ... toptheta_first[c + 1] - 1 with c = layer * TOPTHETA_NUM_HEADS +
// head, in toptheta_length, toptheta_theta (floats rounded towards -infinity, so that s > theta decides as in
// double) and, where TOPTHETA_HAS_SDC is 1, toptheta_sdc, where TOPTHETA_HAS_RHO is defined, toptheta_rho (-1
// = not calibrated). C99 and C++.
#pragma once
#include <cstdint>
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// k = 0: the only target. Throws UsageError for a k that the table has not, UnfinishedError if the file
// cannot be written.
void write_c_header(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);

}  // namespace toptheta
