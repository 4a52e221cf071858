// Internal to lib/dump: undoes what HDF5's filters shuffle and deflate did to a chunk.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/hdf5_chunks.hpp"

struct libdeflate_decompressor;

namespace toptheta {

// Each thread has its own decoder, which keeps its memory from chunk to chunk.
class ChunkDecoder {
 public:
  ChunkDecoder();
  ~ChunkDecoder();
  ChunkDecoder(const ChunkDecoder&) = delete;
  ChunkDecoder& operator=(const ChunkDecoder&) = delete;

  // Reads and decodes the chunk that begins at element `offset`. out.size() must be dataset.chunk_bytes().
  // Throws InputError, naming data set and chunk, where the chunk is damaged or was never written.
  void read(const hdf5::ChunkedDataset& dataset, const hdf5::Dims& offset, std::span<std::byte> out);

 private:
  void inflate(const hdf5::ChunkedDataset& dataset, const hdf5::Dims& offset,
               std::span<const std::byte> stored, std::span<std::byte> out);

  struct Free {
    void operator()(libdeflate_decompressor* decompressor) const;
  };
  std::unique_ptr<libdeflate_decompressor, Free> decompressor_;
  std::vector<std::byte> stored_;
  std::vector<std::byte> shuffled_;
};

}  // namespace toptheta
