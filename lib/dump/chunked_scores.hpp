// Inside dump: scores in chunks, read raw and decoded by all threads instead of by the HDF5 library.
#pragma once
#include <cstdint>
#include <memory>

#include "core/pool.hpp"
#include "dump/chunk_decoder.hpp"
#include "dump/score_lanes.hpp"
#include "dump/score_tiles.hpp"

namespace toptheta {

// Working memory of a thread.
struct ChunkScratch {
  ChunkDecoder decoder;
  TileSender sender;
  std::vector<std::byte> chunk;  // where only a part of a decoded chunk is kept: chunk_place of chunk_of
  const void* chunk_of = nullptr;
  hdf5::Dims chunk_place;
  std::vector<std::byte> band;  // decoded chunks, or what is kept of them, side by side
  std::vector<KeyPiece> pieces;
};

// What reading a layer takes of a thread's memory.
struct ChunkMemory {
  // One row of one head at a time: chunks that do not span all keys are decoded again for every row.
  std::int64_t least = 0;
  std::int64_t best = 0;  // every chunk is decoded once
};

// Null for scores whose chunks the HDF5 library must decode (hdf5::ChunkedDataset::of). All arguments must
// outlive the result. Throws InputError where a chunk that a row needs was never written. `thread_bytes` is
// what a thread may take; it has the least in any case. Work is cut into bands: a chunk's heads and rows, all
// keys up to the longest row. A thread decodes the chunks of a band, then sends its rows head by head; where
// a band is too large it is cut into several, whose chunks are decoded for each.
std::unique_ptr<DirectScores> chunked_scores(const LayerRows& layer, std::int64_t thread_bytes,
                                             Pool<ChunkScratch>& scratch);

ChunkMemory chunk_memory(const hdf5::ChunkedDataset& scores);

}  // namespace toptheta
