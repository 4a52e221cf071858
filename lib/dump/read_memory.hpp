// Internal to lib/dump: how much memory reading a layer will take.
#pragma once
#include <cstdint>

#include "dump/reader.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

// `mapped`: whether the file may be read without the HDF5 library, where its layout allows it.
// ReadMemory::least is for one thread.
ReadMemory read_memory(const hdf5::Group& layer, const DumpHeader& header, bool mapped, int threads);

// For scores that the library reads: how to divide `bytes` between blocks of scores (in float and as stored)
// and the library's cache of chunks.
struct BlockMemory {
  std::int64_t block = 0;
  std::int64_t cache = 0;
};
BlockMemory block_memory(std::int64_t bytes, std::int64_t most_block);

}  // namespace toptheta
