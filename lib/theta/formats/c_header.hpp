// One target of a threshold table as a self-contained C header: static arrays for kernels, and a look-up.
//
//   #include "theta.h"
//   float theta = toptheta_threshold(layer, head, n);   // keep scores s > theta of a row of n keys
//
// It defines TOPTHETA_K (-1 = dense), TOPTHETA_NUM_LAYERS, TOPTHETA_NUM_HEADS, TOPTHETA_NUM_KV_HEADS and
// TOPTHETA_POST_SOFTMAX (0 or 1). Where they apply it also defines TOPTHETA_RUNNING_SOFTMAX,
// TOPTHETA_LENGTH_BINS, TOPTHETA_KEEP_FIRST and TOPTHETA_KEEP_RECENT. TOPTHETA_HAS_SDC is 0 or 1;
// TOPTHETA_HAS_RHO is defined, as 1, only where rho is calibrated, and TOPTHETA_HAS_RHO_LAW, as 1, only where
// some head has a law for rho.
//
// With c = layer * TOPTHETA_NUM_HEADS + head, toptheta_head_k[c] is the k of a head and
// toptheta_layer_k[layer] the smallest k of a layer; -1 = dense. The entries of a head are toptheta_first[c]
// ... toptheta_first[c + 1] - 1 in toptheta_length and toptheta_theta; the latter are floats rounded towards
// -infinity, so that s > theta decides as in double. toptheta_sdc and toptheta_rho, where calibrated, have
// the same index; -1 = not calibrated. toptheta_rho_law[3 * c] ... [3 * c + 2] are c0, c1 and c2 of a head's
// law, doubles; NAN = it has none. C99 and C++.
#pragma once
#include <cstdint>
#include <filesystem>

#include "theta/table.hpp"

namespace toptheta {

// k = 0: the only target. Throws UsageError for a k that the table does not have, UnfinishedError if the file
// cannot be written.
void write_c_header(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path);

}  // namespace toptheta
