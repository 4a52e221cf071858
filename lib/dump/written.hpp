// Inside dump: whether what rows need was ever written. HDF5 reads what was not as zeros, without a word.
#pragma once
#include <array>
#include <string_view>

#include "dump/stream.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

inline constexpr std::array<std::string_view, 3> kScoreAxes = {"head", "row", "key"};
inline constexpr std::array<std::string_view, 3> kQueryAxes = {"head", "row", "dimension"};
inline constexpr std::array<std::string_view, 3> kKeyAxes = {"KV head", "key", "dimension"};

// Throws InputError, naming data set, heads, rows and keys, where a chunk that holds a causal element of a
// selected row is missing. Chunks past the causal limit of all of their selected rows may be. Time: without a
// missing chunk one pass over the index of chunks.
void require_written_scores(const LayerRows& layer, const hdf5::Dataset& scores);

}  // namespace toptheta
