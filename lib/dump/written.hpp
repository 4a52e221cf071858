// Internal to lib/dump: whether the elements that rows need were ever written. HDF5 silently reads the others
// as zeros.
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
// selected row is missing. Chunks that lie past the causal limits of all selected rows may be missing. Time:
// one pass over the index of chunks where none is missing.
void require_written_scores(const LayerRows& layer, const hdf5::Dataset& scores);

}  // namespace toptheta
