// Inside dump: how much memory reading a layer takes, before it is read.
#pragma once
#include <cstdint>

#include "dump/reader.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

// `mapped`: whether the file can be read without the HDF5 library, as far as its layout allows. The least is
// for one thread.
ReadMemory read_memory(const hdf5::Group& layer, const DumpHeader& header, bool mapped, int threads);

// Where the library reads: how to divide `bytes` between blocks of scores, in float and as stored, and the
// library's cache of chunks.
struct BlockMemory {
  std::int64_t block = 0;
  std::int64_t cache = 0;
};
BlockMemory block_memory(std::int64_t bytes, std::int64_t most_block);

}  // namespace toptheta
