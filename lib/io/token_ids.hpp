// Token ids in files: where a text could go, its ids can go as well.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace toptheta {

// - .npy: one dimension of 32- or 64-bit integers, little-endian;
// - .h5: the data set `tokens`;
// - anything else: JSON Lines whose objects hold `ids`, a list of integers; all lines, one after the other.
// Throws InputError, with the place, for anything else, and for ids that are negative or beyond 32 bits.
std::vector<std::int32_t> read_token_ids(const std::filesystem::path& path);

}  // namespace toptheta
