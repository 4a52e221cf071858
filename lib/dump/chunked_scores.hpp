// Internal to lib/dump: scores in chunks, which are read raw and decoded on all threads instead of by the
// HDF5 library.
#pragma once
#include <cstdint>
#include <memory>

#include "core/pool.hpp"
#include "dump/chunk_decoder.hpp"
#include "dump/score_lanes.hpp"
#include "dump/score_tiles.hpp"

namespace toptheta {

// The working memory of a thread.
struct ChunkScratch {
  ChunkDecoder decoder;
  TileSender sender;
  // Where bands hold parts of chunks: the decoded chunk at chunk_place of the layer chunk_of.
  std::vector<std::byte> chunk;
  const void* chunk_of = nullptr;
  hdf5::Dims chunk_place;
  std::vector<std::byte> band;  // decoded chunks, or parts of them, side by side
  std::vector<KeyPiece> pieces;
};

// The memory that a thread needs to read a layer.
struct ChunkMemory {
  // For one row of one head at a time: chunks that do not span all keys are decoded again for every row.
  std::int64_t least = 0;
  std::int64_t best = 0;  // for decoding every chunk once
};

// Null for scores whose chunks only the HDF5 library can decode (hdf5::ChunkedDataset::of). All arguments
// must outlive the result. Throws InputError where a chunk that a row needs was never written. `thread_bytes`
// is the memory that a thread may take; it takes ChunkMemory::least in any case.
//
// The work is cut into bands. A band is the heads and rows of a chunk, with all keys up to the longest row. A
// thread decodes the chunks of a band and then sends its rows head by head. A band that is too large is cut
// into several, for each of which its chunks are decoded again.
std::unique_ptr<DirectScores> chunked_scores(const LayerRows& layer, std::int64_t thread_bytes,
                                             Pool<ChunkScratch>& scratch);

ChunkMemory chunk_memory(const hdf5::ChunkedDataset& scores);

}  // namespace toptheta
