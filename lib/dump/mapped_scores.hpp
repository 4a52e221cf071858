// Inside dump: scores that stand in the file as they are wanted, read from the page cache without a copy.
#pragma once
#include <cstddef>
#include <memory>

#include "core/pool.hpp"
#include "dump/score_lanes.hpp"
#include "dump/score_tiles.hpp"
#include "io/hdf5.hpp"
#include "io/mapped_file.hpp"

namespace toptheta {

// Null for scores that are not contiguous, in the machine's byte order, without filters and wholly within
// `file`. float32 goes to the sink where it stands, other types are widened, up to each row's causal limit.
// Pages are given back behind the reading. All arguments must outlive the result. Memory: for each thread,
// kTileBytes of floats or one row, and kStretchBytes of the file.
std::unique_ptr<DirectScores> map_scores(const LayerRows& layer, std::int64_t num_heads,
                                         const MappedFile& file, Pool<TileSender>& senders);

// A thread reads this much of a head in one go, and gives it back.
inline constexpr std::int64_t kStretchBytes = std::int64_t{8} << 20;

}  // namespace toptheta
