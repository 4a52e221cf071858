// Internal to lib/dump: scores that the file holds as plain arrays, read from the page cache without a copy.
#pragma once
#include <cstddef>
#include <memory>

#include "core/pool.hpp"
#include "dump/score_lanes.hpp"
#include "dump/score_tiles.hpp"
#include "io/hdf5.hpp"
#include "io/mapped_file.hpp"

namespace toptheta {

// Null unless the scores are contiguous, in the machine's byte order, unfiltered and wholly within `file`.
// The sink gets float32 in place; other types are widened, up to each row's causal limit. Pages are released
// once they are read. All arguments must outlive the result. Memory: for each thread, kTileBytes of floats
// (or one row, if larger) and kStretchBytes of the file.
std::unique_ptr<DirectScores> map_scores(const LayerRows& layer, std::int64_t num_heads,
                                         const MappedFile& file, Pool<TileSender>& senders);

// A thread reads this many bytes of a head before it releases them.
inline constexpr std::int64_t kStretchBytes = std::int64_t{8} << 20;

}  // namespace toptheta
